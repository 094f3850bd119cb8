"""
Cenote: user pools you own, behind the Amazon Cognito user pools API.

Importing this package loads nothing else; `cenote.app` builds the server.
"""

__version__ = "0.1.0"
