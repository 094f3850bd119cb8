"""
User pools: CreateUserPool, DescribeUserPool, ListUserPools, UpdateUserPool, AddCustomAttributes,
DeleteUserPool.
"""

from typing import TYPE_CHECKING

from cenote.domain import pools, tiers
from cenote.domain.registrations import Pool, VerificationEntry
from cenote.errors import LimitExceededException
from cenote.operations.changing import change_pool, held_pool
from cenote.operations.clients import CLIENTS_PER_POOL_MAX
from cenote.operations.paging import page_after, page_token
from cenote.operations.registered import pool_of
from cenote.registry import Answer, operation
from cenote.services import Services
from cenote.store.transaction import Transaction
from cenote.vault.pool_secrets import OpenedPool

if TYPE_CHECKING:
    from types_boto3_cognito_idp.type_defs import (
        AddCustomAttributesRequestTypeDef,
        CreateUserPoolRequestTypeDef,
        DeleteUserPoolRequestTypeDef,
        DescribeUserPoolRequestTypeDef,
        ListUserPoolsRequestTypeDef,
        UpdateUserPoolRequestTypeDef,
    )

POOL_ID_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
POOL_ID_LENGTH = 9
POOLS_PER_REGION_MAX = 1_000
_LISTING = "ListUserPools"


@operation("CreateUserPool")
def create_user_pool(services: Services, request: "CreateUserPoolRequestTypeDef") -> Answer:
    """Make a pool with its two signing keys."""
    pool_id = f"{services.locality.region}_{_letters(services)}"
    arn, now_ms = services.locality.arn_of(pool_id), services.now_ms()
    document = pools.new_document(request, pool_id=pool_id, arn=arn, region=services.locality.region)
    secrets = services.gate.run(
        lambda: services.pool_secrets.new(pool_id, is_case_sensitive=pools.is_case_sensitive(document))
    )
    pool = Pool(
        pool_id=pool_id,
        slot=secrets.key.slot,
        wrapped=secrets.key.wrapped,
        secrets=secrets.sealed,
        document=document,
        created_ms=now_ms,
        modified_ms=now_ms,
    )
    entries = _entries(pool_id, secrets.opened)
    services.store.write(lambda tx: _add(tx, pool, entries))
    return {"UserPool": pools.created(document, created_ms=now_ms)}


@operation("DescribeUserPool")
def describe_user_pool(services: Services, request: "DescribeUserPoolRequestTypeDef") -> Answer:
    """Show a pool as it is."""
    pool = pool_of(services, request["UserPoolId"])
    users = services.store.read(lambda tx: tx.users.count(pool.pool_id))
    return {"UserPool": _described(pool, users)}


@operation("ListUserPools")
def list_user_pools(services: Services, request: "ListUserPoolsRequestTypeDef") -> Answer:
    """A page of pools in the order of their ids."""
    limit = request["MaxResults"]
    after = page_after(services, _LISTING, request.get("NextToken"))
    found = services.store.read(lambda tx: tx.pools.list_page(after, limit + 1))
    page = found[:limit]
    answer: dict[str, object] = {
        "UserPools": [
            pools.summary(pool.document, created_ms=pool.created_ms, modified_ms=pool.modified_ms)
            for pool in page
        ]
    }
    if len(found) > limit:
        answer["NextToken"] = page_token(services, _LISTING, page[-1].pool_id)
    return answer


@operation("UpdateUserPool")
def update_user_pool(services: Services, request: "UpdateUserPoolRequestTypeDef") -> Answer:
    """Configure a pool anew; its schema and its kinds of user names are fixed for its life."""
    pool_id, region, now_ms = request["UserPoolId"], services.locality.region, services.now_ms()

    def body(tx: Transaction) -> None:
        pool = held_pool(tx, pool_id)
        document = pools.updated(pool.document, request, region=region)
        if tiers.is_lowered(pool.document, document):
            for client in tx.clients.list_page(pool_id, "", CLIENTS_PER_POOL_MAX):
                tiers.check_client_tier(client.document, document["UserPoolTier"])
        tx.pools.save(pool.changed(document, modified_ms=now_ms), document["Name"])

    services.store.write(body)
    return {}


@operation("AddCustomAttributes")
def add_custom_attributes(services: Services, request: "AddCustomAttributesRequestTypeDef") -> Answer:
    """Let a pool's users have more attributes; none is ever taken back."""
    now_ms = services.now_ms()
    change_pool(
        services,
        request["UserPoolId"],
        lambda pool: pool.changed(
            pools.with_custom_attributes(pool.document, request["CustomAttributes"]), modified_ms=now_ms
        ),
    )
    return {}


@operation("DeleteUserPool")
def delete_user_pool(services: Services, request: "DeleteUserPoolRequestTypeDef") -> Answer:
    """Erase a pool and everybody in it, at the cost of one tombstone."""
    pool_id, now_ms = request["UserPoolId"], services.now_ms()

    def body(tx: Transaction) -> None:
        refusal = pools.deletion_refusal(held_pool(tx, pool_id).document)
        if refusal is not None:
            raise refusal
        tx.pools.erase(pool_id, now_ms)

    services.store.write(body)
    services.pool_secrets.forget(pool_id)
    return None


def _add(tx: Transaction, pool: Pool, entries: list[VerificationEntry]) -> None:
    if tx.pools.count() >= POOLS_PER_REGION_MAX:
        # The limit is the guide's; the live service's sentence is unknown.
        raise LimitExceededException(f"There can be at most {POOLS_PER_REGION_MAX} user pools.")
    tx.pools.add(pool, pool.document["Name"], entries)


def _described(pool: Pool, users: int) -> dict[str, object]:
    return pools.described(
        pool.document, created_ms=pool.created_ms, modified_ms=pool.modified_ms, estimated_users=users
    )


def _entries(pool_id: str, opened: OpenedPool) -> list[VerificationEntry]:
    return [
        VerificationEntry(opened.access.kid, pool_id, "access", opened.access.public_der),
        VerificationEntry(opened.id.kid, pool_id, "id", opened.id.public_der),
    ]


def _letters(services: Services) -> str:
    number = int.from_bytes(services.random_bytes(16), "big")
    letters = []
    for _place in range(POOL_ID_LENGTH):
        number, digit = divmod(number, len(POOL_ID_LETTERS))
        letters.append(POOL_ID_LETTERS[digit])
    return "".join(letters)
