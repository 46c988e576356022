"""Where a cluster's API is, by its kubeconfig. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import yaml


class UnusableKubeconfig(Exception):
    """It names no cluster; the message holds nothing of the file."""


def endpoint(text: str) -> tuple[str, str]:
    """The API's URL and its CA certificate in PEM, of the current context.

    Raises:
        UnusableKubeconfig: says what is missing.
    """
    try:
        document: Any = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
        contexts = {each["name"]: each["context"] for each in document["contexts"]}
        clusters = {each["name"]: each["cluster"] for each in document["clusters"]}
        cluster = clusters[contexts[document["current-context"]]["cluster"]]
        server = cluster["server"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode("ascii")
    except KeyError as error:
        raise UnusableKubeconfig(f"{error.args[0]} is missing from the kubeconfig") from None
    except (ValueError, TypeError, yaml.YAMLError, binascii.Error):
        raise UnusableKubeconfig("the kubeconfig is not understood") from None
    return str(server), authority
