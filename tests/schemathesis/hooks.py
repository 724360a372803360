"""How the lines of a batch are written: as the text that they are."""

import schemathesis


@schemathesis.serializer("application/jsonl")
def lines(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
