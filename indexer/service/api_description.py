"""The web service described by OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0), from which clients can be made."""

from typing import Any

from indexer import __version__
from indexer.search.results import FactFields

Schema = dict[str, Any]
FILTER_PARAMETERS = ("label", "named")

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
FACTS = {name: {"type": ["string", "number", "null"]} for name in FactFields._fields}
PHOTO_FIELDS: Schema = {
    "id": {"type": "integer"},
    "path": TEXT,
    "copies": COUNT,
    "label": MAYBE_TEXT,
    "labelled_by": MAYBE_TEXT | {"description": "in a shared library: the server's user who gave the label"},
    "labelled_at": MAYBE_TEXT | {"description": "when, as ISO 8601"},
    "width": COUNT,
    "height": COUNT,
    "offline": {"type": "boolean"},
    **FACTS,
}
HIT_FIELDS: Schema = {
    "rank": COUNT,
    **PHOTO_FIELDS,
    "distance": MAYBE_NUMBER | {"description": "0 for the same picture, at most 2; null in a search by words"},
}
LIKENESS_FIELDS: Schema = {
    "probability": MAYBE_NUMBER | {"description": "that both have the same label; null where the library has none"},
    "rarity": MAYBE_NUMBER | {"description": "one in so many random pairs is this close; null where labels say more"},
    "likeness": MAYBE_TEXT | {"description": "what that means in a word"},
    "points": MAYBE_NUMBER | {"description": "in common with the query; null where they were not counted"},
    "score": NUMBER | {"description": "of a search by words: the probability that the photo shows them"},
    "why": TEXT,
}


def describe_api() -> Schema:
    """The OpenAPI document of the service."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lookalike",
            "version": __version__,
            "description": "Find the photos of a library that look alike. Nothing here changes the library.",
        },
        "security": [{"token": []}],
        "paths": _describe_paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _describe_schemas(),
        },
    }


def _describe_paths() -> Schema:
    identity = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    jpeg = {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}}
    picture = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    photo = _describe_parameter("photo", {"type": "integer"}, "the id of a photo: search for what looks like it")
    words = _describe_parameter("words", TEXT, "search for what shows these words")
    not_words = _describe_parameter("not_words", TEXT, "leave out what shows these words")
    start = _describe_parameter("start", COUNT | {"default": 0}, "how many photos to pass over")
    page = _list_page_parameters()
    upload = {"required": True, "description": "the content of a picture file", "content": picture}
    return {
        "/v1/library": {"get": _describe_operation("describeLibrary", "What the library holds", "Library")},
        "/v1/photos": {"get": _describe_operation("listPhotos", "Its photos by folder", "Photos", [*page, start])},
        "/v1/photos/{id}": {"get": _describe_operation("describePhoto", "One photo", "Photo", [identity])},
        "/v1/photos/{id}/thumbnail": {
            "get": _describe_operation("readThumbnail", "A small picture of it", jpeg, [identity])
        },
        "/v1/search": {
            "get": _describe_operation(
                "search", "Photos like a photo, or that show words", "Result", [*page, photo, words, not_words]
            ),
            "post": _describe_operation("searchUpload", "Photos like a picture that is sent", "Result", page)
            | {"requestBody": upload},
        },
    }


def _list_page_parameters() -> list[Schema]:
    count = {"type": "integer", "minimum": 1, "maximum": 500, "default": 20}
    texts = {"label": "only photos with this label", "named": "only photos with these words in path or label"}
    filters = [_describe_parameter(name, TEXT, texts[name]) for name in FILTER_PARAMETERS]
    return [_describe_parameter("k", count, "how many"), *filters]


def _describe_parameter(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _describe_operation(
    name: str, summary: str, answer: str | Schema, parameters: list[Schema] | None = None
) -> Schema:
    """An operation that answers with a schema of this name, or with other content; anything else is an Error."""
    content = _refer_to(answer) if isinstance(answer, str) else answer
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters or [],
        "responses": {
            "200": {"description": summary, "content": content},
            "default": {"description": "Why there is no answer, in a sentence", "content": _refer_to("Error")},
        },
    }


def _refer_to(name: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _describe_schemas() -> Schema:
    photo = _describe_object(PHOTO_FIELDS)
    hit = _describe_object(HIT_FIELDS)
    hit["properties"] |= LIKENESS_FIELDS
    result = _describe_object({"engine": TEXT, "seconds": NUMBER, "notice": TEXT, "hits": _list_of("Hit")})
    result["properties"] |= {"ranked_by": TEXT, "taught_by": {}, "recall_at_10": NUMBER}
    library = {"name": TEXT, "photos": COUNT, "files": COUNT, "roots": {"type": "array", "items": TEXT}, "model": TEXT}
    return {
        "Library": _describe_object({**library, "recall_at_10": MAYBE_NUMBER, "measured": TEXT}),
        "Photos": _describe_object({"total": COUNT, "photos": _list_of("Photo")}),
        "Photo": photo,
        "Hit": hit,
        "Result": result,
        "Error": _describe_object({"error": TEXT}),
    }


def _describe_object(fields: Schema) -> Schema:
    """An object that has all these fields."""
    return {"type": "object", "properties": dict(fields), "required": list(fields)}


def _list_of(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
