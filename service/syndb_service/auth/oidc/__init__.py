"""The OpenID provider: its keys, its access tokens, and the academic affiliations in them.

Only ``auth`` and the container import it.
"""

from syndb_service.auth.oidc.access_tokens import AccessTokens, Rules, TokenIdentity
from syndb_service.auth.oidc.issuer import Issuer

__all__ = ["AccessTokens", "Issuer", "Rules", "TokenIdentity"]
