"""A WebSocket, a folder of files and a page: only the page is a route that a GET can ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI, WebSocket
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

files = StaticFiles(check_dir=False)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with TemporaryDirectory() as folder:
        Path(folder, "shop.css").write_text("body { margin: 0 }\n")
        files.directory = folder
        files.all_directories = [folder]
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/static", files, name="static")


@app.get("/", response_class=HTMLResponse)
async def page() -> str:
    return "<link rel=stylesheet href=/static/shop.css><p>Tea and salt"


@app.websocket("/chat")
async def chat(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(f"you said {await socket.receive_text()}")
    await socket.close()
