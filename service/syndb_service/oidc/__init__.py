"""The OpenID provider: its keys, its access tokens, and what they say of their users."""

from syndb_service.oidc.access_tokens import AccessTokens, Rules, TokenIdentity
from syndb_service.oidc.issuer import Issuer

__all__ = ["AccessTokens", "Issuer", "Rules", "TokenIdentity"]
