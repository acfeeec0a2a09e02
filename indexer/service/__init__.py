"""A library for other programs on this computer: over HTTP with a token, or over standard input for an assistant.

Nothing of it runs unless it is asked for, and nothing of it changes a library. `library_reader` holds the open library
in a thread of its own and gives its answers as JSON fields. `http_service` is the web server: its `request_guard` lets
through who has the token and names this computer, its `api_description` is the OpenAPI document. `assistant_service`
speaks the Model Context Protocol. `serve_command` starts either. starlette, uvicorn and mcp are extras of the package.
"""
