"""A model that `inference.save` wrote, as a service: a picture comes in, its mask goes out.

    python -m course_utils.serve FOLDER

then open http://127.0.0.1:8000, or ``curl --data-binary @photo.jpg "…/predict?answer=mask"``.

What a stranger sends is limited in bytes, and, by what its header says, in pixels, before anything
is decoded; one picture is in memory at a time, and nothing is written to the disk. It answers this
machine alone, unless ``--host`` says otherwise; then put a server in front of it that encrypts and
asks who is there, for this one does neither.
"""

import argparse
import asyncio
import contextlib
import io
import socket
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from . import inference, processes
from .datasets import CourseDataError
from .datasets.io import DataFolder, write_mask

SECONDS = 20  # within which a picture must have arrived
WAITING = 200  # connections at a time; more are turned away
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")  # others start programs, or are decoded by few people
ANSWERS = ("overlay", "mask", "shares")
PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
INSTALL = 'It takes FastAPI and uvicorn: pip install "segmentation-course[serve]"'


class Refused(Exception):
    """What was sent is refused: an HTTP status, and why."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def check_header(body, megapixels):
    """Raise `Refused` where bytes are no picture, or one of too many pixels; decodes nothing."""
    if not body:
        raise Refused(400, "Nothing came: send a picture's bytes as the body of the request.")
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(body), formats=FORMATS) as picture,
        ):
            found = picture.width * picture.height / 1e6
    except Image.DecompressionBombError:
        found = float("inf")
    except (OSError, SyntaxError, ValueError):
        raise Refused(415, f"That is no picture of these kinds: {', '.join(FORMATS)}.") from None
    if found > megapixels:
        much = "hundreds of" if found == float("inf") else f"{found:.0f}"
        raise Refused(413, f"It has {much} megapixels; {megapixels:g} at most are taken.")


def answer_to(body, model, kind, megapixels):
    """Predict a picture and return (content, media type).

    Parameters
    ----------
    body : bytes
        A picture's file.
    model : inference.Segmenter
    kind : {"overlay", "mask", "shares"}
        Two PNGs: the classes painted over the picture, or their numbers; or JSON with the share
        of the pixels that each class has.
    megapixels : float
        More are refused.

    Raises
    ------
    Refused
    """
    if kind not in ANSWERS:
        raise Refused(422, f"answer={kind[:20]!r} is none of {', '.join(ANSWERS)}.")
    check_header(body, megapixels)
    try:
        picture = DataFolder(Path(), "what was sent").read_image("the picture", content=bytes(body))
        mask = inference.predict(model, picture, progress=False)
    except (CourseDataError, ValueError, MemoryError) as error:
        why = getattr(error, "came_back", None) or str(error) or "there is not enough memory"
        raise Refused(422, f"It cannot be used: {why}") from None
    if kind == "shares":
        counts = np.bincount(mask.ravel(), minlength=len(model.class_names)) / mask.size
        return dict(zip(model.class_names, counts.tolist(), strict=True)), "application/json"
    file = io.BytesIO()
    if kind == "mask":
        write_mask(file, mask, model.class_names)
    else:  # strip by strip: its floats would take 50 bytes per pixel
        strips = [slice(k, k + 256) for k in range(0, len(mask), 256)]
        painted = [inference.overlay(picture[k], mask[k], model.class_names) for k in strips]
        Image.fromarray(np.concatenate(painted)).save(file, format="PNG", compress_level=1)
    return file.getvalue(), "image/png"


async def receive(request, most):
    """Return the body of a request, of at most so many bytes; what is over is dropped unseen."""
    from starlette.requests import ClientDisconnect

    body = bytearray()
    over = int(request.headers.get("content-length") or 0) > most
    try:
        async with asyncio.timeout(SECONDS):
            async for piece in request.stream():  # to the end: a client reads after it has sent
                over = over or len(body) + len(piece) > most
                if not over:
                    body += piece
    except TimeoutError:
        raise Refused(408, f"It had not arrived after {SECONDS} seconds.") from None
    except ClientDisconnect:
        raise Refused(400, "It broke off.") from None
    if over:
        raise Refused(413, f"It has more than {most / 1e6:g} megabytes.")
    return body


def make_app(model, megabytes=20, megapixels=16, hosts=("127.0.0.1", "localhost")):
    """Return the service as an ASGI application.

    Parameters
    ----------
    model : inference.Segmenter
    megabytes, megapixels : float, optional
        The largest picture that is taken.
    hosts : sequence of str, optional
        The names under which it answers; ("*",) for any.
    """
    from fastapi import FastAPI, Request
    from fastapi.responses import HTMLResponse, JSONResponse, Response
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    app = FastAPI(title="Segmentation", docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    one_at_a_time = asyncio.Semaphore(1)

    @app.exception_handler(Refused)
    async def refuse(request, refused):
        return JSONResponse({"error": str(refused)}, refused.status)

    @app.get("/")
    async def page():
        return HTMLResponse(PAGE)

    @app.post("/predict")
    async def predict(request: Request, answer: str = "overlay"):
        async with one_at_a_time:  # bodies, too, wait outside
            body = await receive(request, megabytes * 1e6)
            found = await run_in_threadpool(answer_to, body, model, answer, megapixels)
        content, kind = found
        return (
            JSONResponse(content) if kind.endswith("json") else Response(content, media_type=kind)
        )

    return app


def is_installed():
    """Return whether what the service is made of is installed: the extra ``serve``."""
    return all(find_spec(name) for name in ("fastapi", "uvicorn"))


@contextlib.contextmanager
def started(folder, log):
    """Serve a model while a block runs, in a process of its own that ends with the block.

    Parameters
    ----------
    folder : path
        What `inference.save` wrote.
    log : path
        What the service prints is added to this file.

    Yields
    ------
    address : str
        Such as http://127.0.0.1:8000.
    program : subprocess.Popen
    """
    [port] = processes.free_ports(1)

    def listens():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    arguments = folder, "--port", port
    with processes.started("course_utils.serve", *arguments, log=log) as [program]:
        processes.wait_until(listens, [program], log)
        yield f"http://127.0.0.1:{port}", program


def main(arguments=None):
    """Serve a model until Ctrl-C; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.serve", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", help="what inference.save wrote")
    parser.add_argument("--host", default="127.0.0.1", help="%(default)s: this machine alone")
    parser.add_argument("--port", type=int, default=8000, help="%(default)s")
    parser.add_argument("--megabytes", type=float, default=20, help="%(default)s at most")
    parser.add_argument("--megapixels", type=float, default=16, help="%(default)s at most")
    chosen = parser.parse_args(arguments)
    if not is_installed():
        parser.error(INSTALL)
    import uvicorn

    try:
        model = inference.load(chosen.folder)
    except CourseDataError as error:
        parser.error(str(error))
    hosts = ("127.0.0.1", "localhost") if chosen.host == "127.0.0.1" else ("*",)
    app = make_app(model, chosen.megabytes, chosen.megapixels, hosts)
    print(f"http://{chosen.host}:{chosen.port} (Ctrl-C ends it)", flush=True)
    quiet = {"log_level": "warning", "access_log": False}
    uvicorn.run(app, host=chosen.host, port=chosen.port, limit_concurrency=WAITING, **quiet)
    return 0


if __name__ == "__main__":
    processes.end_with_parent()
    sys.exit(main())
