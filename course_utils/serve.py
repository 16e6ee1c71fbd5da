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
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from . import inference, processes
from .datasets import CourseDataError
from .datasets.io import DataFolder, write_mask

MEGABYTES, MEGAPIXELS = 20, 16  # of the largest picture that is taken
SECONDS = 20  # within which it must have arrived
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")  # others start programs, or are decoded by few people
ANSWERS = ("overlay", "mask", "shares")


class Refused(Exception):
    """What was sent is refused: an HTTP status, and why."""


def check_header(body):
    """Raise `Refused` where bytes are no picture, or one of too many pixels; decodes nothing."""
    if not body:
        raise Refused(400, "Nothing came: send a picture's bytes as the body of the request.")
    try:
        file = io.BytesIO(body)
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=FORMATS) as picture:
            too_large = picture.width * picture.height > MEGAPIXELS * 1e6
    except Image.DecompressionBombError:
        too_large = True
    except (OSError, SyntaxError, ValueError):
        raise Refused(415, f"That is no picture of these kinds: {', '.join(FORMATS)}.") from None
    if too_large:
        raise Refused(413, f"It has more than {MEGAPIXELS} megapixels, so it was not decoded.")


def answer_to(body, model, kind):
    """Return a PNG of a picture's mask or overlay, or the share of the pixels that each class has.

    Parameters
    ----------
    body : bytes
        The picture's file; `Refused` where it is none, or too large.
    model : inference.Segmenter
    kind : {"overlay", "mask", "shares"}
    """
    if kind not in ANSWERS:
        raise Refused(422, f"answer={kind[:20]!r} is none of {', '.join(ANSWERS)}.")
    check_header(body)
    try:
        picture = DataFolder(Path(), "what was sent").read_image("the picture", content=bytes(body))
        mask = inference.predict(model, picture, progress=False)
    except (CourseDataError, ValueError, MemoryError) as error:
        why = getattr(error, "came_back", None) or str(error) or "there is not enough memory"
        raise Refused(422, f"It cannot be used: {why}") from None
    if kind == "shares":
        counts = np.bincount(mask.ravel(), minlength=len(model.class_names))
        return dict(zip(model.class_names, (counts / mask.size).tolist(), strict=True))
    file = io.BytesIO()
    if kind == "mask":
        write_mask(file, mask, model.class_names)
    else:  # strip by strip: its floats would take 50 bytes per pixel
        strips = [slice(k, k + 256) for k in range(0, len(mask), 256)]
        painted = [inference.overlay(picture[k], mask[k], model.class_names) for k in strips]
        Image.fromarray(np.concatenate(painted)).save(file, format="PNG", compress_level=1)
    return file.getvalue()


async def receive(request):
    """Return the body of a request; of one that is too large, what is over is dropped unseen."""
    from starlette.requests import ClientDisconnect

    body, most = bytearray(), MEGABYTES * 1e6
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
        raise Refused(413, f"It has more than {MEGABYTES} megabytes.")
    return body


def make_app(model):
    """Return the service of an `inference.Segmenter` as an ASGI application."""
    from fastapi import FastAPI, Request
    from fastapi.responses import FileResponse, JSONResponse, Response
    from starlette.concurrency import run_in_threadpool

    app = FastAPI(title="Segmentation", docs_url=None, redoc_url=None)
    one_at_a_time = asyncio.Semaphore(1)

    @app.exception_handler(Refused)
    async def refuse(request, refused):
        status, why = refused.args
        return JSONResponse({"error": why}, status)

    @app.get("/")
    async def page():
        return FileResponse(Path(__file__).with_suffix(".html"))

    @app.post("/predict")
    async def predict(request: Request, answer: str = "overlay"):
        async with one_at_a_time:  # bodies, too, wait outside
            found = await run_in_threadpool(answer_to, await receive(request), model, answer)
        return found if answer == "shares" else Response(found, media_type="image/png")

    return app


def is_installed():
    """Return whether what the service is made of is installed: the extra ``serve``."""
    return all(find_spec(name) for name in ("fastapi", "uvicorn"))


@contextlib.contextmanager
def started(folder, log):
    """Serve the model in a folder while a block runs, which gets its address and the process.

    What the service prints is added to the file `log`.
    """
    [port] = processes.free_ports(1)

    def listens():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    with processes.started("course_utils.serve", folder, "--port", port, log=log) as [program]:
        processes.wait_until(listens, [program], log)
        yield f"http://127.0.0.1:{port}", program


def main(arguments=None):
    """Serve a model until Ctrl-C."""
    name, about = "python -m course_utils.serve", __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(prog=name, description=about)
    parser.add_argument("folder", help="what inference.save wrote")
    parser.add_argument("--host", default="127.0.0.1", help="%(default)s: this machine alone")
    parser.add_argument("--port", type=int, default=8000, help="%(default)s")
    chosen = parser.parse_args(arguments)
    if not is_installed():
        parser.error("it takes FastAPI and uvicorn: pip install fastapi uvicorn")
    import uvicorn

    try:
        app = make_app(inference.load(chosen.folder))
    except CourseDataError as error:
        parser.error(str(error))
    print(f"http://{chosen.host}:{chosen.port} (Ctrl-C ends it)", flush=True)
    limits = {"limit_concurrency": 200, "log_level": "warning", "access_log": False}
    uvicorn.run(app, host=chosen.host, port=chosen.port, **limits)


if __name__ == "__main__":
    processes.end_with_parent()
    main()
