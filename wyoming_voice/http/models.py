"""OpenAI's list of models, at every door that has `/v1`."""

import time
from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from wyoming_voice.errors import UnknownChoice


class Model(BaseModel):
    """A name that may stand as `model`."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "wyoming-voice"


class Models(BaseModel):
    """All of them; the one that is taken by default first."""

    object: Literal["list"] = "list"
    data: list[Model]


def models_router(names: Sequence[str], more: Sequence[str] = ()) -> APIRouter:
    """`/v1/models`, and each of them; `more` are taken, too, but not listed."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"])
    created = int(time.time())

    @router.get("/models")
    async def listed() -> Models:
        """The names that may stand as `model`."""
        return Models(data=[Model(id=name, created=created) for name in names])

    @router.get("/models/{model:path}")
    async def one(model: str) -> Model:
        """One of them."""
        if model not in (*names, *more):
            raise UnknownChoice("model", model, (*names, *more))
        return Model(id=model, created=created)

    return router
