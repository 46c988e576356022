"""What a cloud is asked when a model on it is made: whether it lets us in, and its spaces."""

from __future__ import annotations

from sandbox.home import Home
from sandbox.juju import errors
from sandbox.juju.providers.connect import connect, credential_of
from sandbox.juju.providers.provider import AccessDenied, ProviderError
from sandbox.juju.state import clouds, models, spaces
from sandbox.juju.state.store import Store


async def discover_spaces(home: Home, store: Store, uuid: str) -> None:
    """Take over the spaces of a model's cloud, so that endpoints can be bound to them.

    Raises:
        Unauthorized: the cloud refuses the model's credential.
        JujuError: the cloud does not answer.
    """
    with store.transaction() as tx:
        model = models.get(tx, uuid)
        cloud, credential = clouds.get(tx, model.cloud), credential_of(tx, model)
    try:
        provider = connect(home, store, model, cloud, credential)
        try:
            found = await provider.spaces()
        finally:
            await provider.close()
    except AccessDenied as error:
        raise errors.Unauthorized(f'cannot open cloud "{cloud.name}": {error}') from None
    except ProviderError as error:
        raise errors.JujuError(f'cannot open cloud "{cloud.name}": {error}') from None
    with store.transaction() as tx:
        spaces.reload(tx, uuid, found)
