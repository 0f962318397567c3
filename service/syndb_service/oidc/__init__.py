"""The OpenID provider: its keys, its access tokens, and what they say of their users."""

from syndb_service.oidc.access_tokens import AccessTokens, Identity, Rules
from syndb_service.oidc.issuer import Issuer

__all__ = ["AccessTokens", "Identity", "Issuer", "Rules"]
