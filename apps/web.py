"""A web page that says what the people in a video, or before the browser's camera, are doing."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

# Nothing leaves the machine; Gradio and what it brings read this when they are imported.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr

from apps.cli import Parser, run
from models.errors import UserError
from pipeline.overlay import draw, mirror
from pipeline.web.limits import LONGEST
from pipeline.web.page import (
    about,
    actions_now,
    bar,
    picture_url,
    progress,
    read_picture,
    table,
)
from pipeline.web.timeline import chart, read_events
from pipeline.web.visitors import Networks, Settings, Visitors

ROOT = Path(__file__).parents[1]
EXAMPLES = [ROOT / "tests" / "data" / f"{name}.mp4" for name in ("two_people", "walk")]
UPLOAD_LIMIT = 200
"""Megabytes of an uploaded file."""
NEWS = 0.25
"""Seconds from one message about a video's progress to the next."""
CONFIDENCE = {"calibrated": None, "50 %": 0.5, "70 %": 0.7, "90 %": 0.9}
THEME = gr.themes.Soft(
    primary_hue="teal",
    secondary_hue="teal",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],  # names, so that no web font is fetched
    font_mono=["ui-monospace", "monospace"],
)
HEAD = """<div class="head"><h1>Live action recognition</h1><p>What the people in a video are
doing, while they do it. It runs on the machine that serves this page; nothing is sent any further.
</p></div>"""
LIVE = """<div class="live">
<img hidden alt="What the camera sees, with skeletons and actions drawn into it">
<div><button disabled>Start the camera</button>
<p class="quiet">Stand back until your whole body is in view. No picture is kept.</p>
<div class="says"></div></div>
</div>"""
LIMITS = f"""### Limits

People are seen as skeletons: what they hold is not seen, and what looks alike as a skeleton cannot
be told apart. An answer takes half a second at least and is best after two. People who are hidden,
tiny or cut off by the picture's edge are often missed. Nobody is identified: a person is a number
that starts at 1 in every video. Do not let it decide anything about anybody.

A video may last {LONGEST} seconds and have {UPLOAD_LIMIT} MB; longer ones are for `apps/video.py`.
Uploads and results are deleted when the page is closed."""


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="web.py", description=__doc__)
    command.add_argument("--host", default="127.0.0.1", help="address (default: this machine only)")
    command.add_argument("--port", type=int, default=7860, help="default 7860")
    command.add_argument("--share", action="store_true", help="also public, through gradio.live")
    command.add_argument("--weights", type=Path, help="another STRL checkpoint (.safetensors)")
    command.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1, mps")
    return command


def main() -> None:
    """Run the program.

    Raises:
        UserError: the port is taken, or the weights cannot be read.
    """
    options = parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the folder is deleted
    with tempfile.TemporaryDirectory(prefix="actions-") as folder:
        folder = os.environ["GRADIO_TEMP_DIR"] = str(Path(folder).resolve())
        networks = Networks(options.device, *filter(None, [options.weights]))
        demo = page(networks, Visitors(networks, Path(folder), EXAMPLES))
        try:
            demo.launch(
                server_name=options.host,
                server_port=options.port,
                share=options.share,
                max_file_size=f"{UPLOAD_LIMIT}mb",
                theme=THEME,
                css_paths=ROOT / "apps" / "web.css",
                footer_links=["api"],
                run_history=False,
                ssr_mode=False,
            )
        except OSError as error:
            raise UserError(f"cannot listen on {options.host}:{options.port}: {error}") from error


def page(networks: Networks, visitors: Visitors) -> gr.Blocks:
    """The page, with its tabs and what they do."""
    with gr.Blocks(
        title="Live action recognition", analytics_enabled=False, delete_cache=(600, 3600)
    ) as demo:
        gr.HTML(HEAD)
        with gr.Tab("Video"):
            video_tab(visitors)
        with gr.Tab("Live"):
            live_tab(visitors)
        with gr.Tab("About"):
            gr.Markdown(about(networks.labels, LIMITS))
            with gr.Accordion("Model card", open=False):
                gr.Markdown((ROOT / "weights" / "MODEL_CARD.md").read_text(encoding="utf-8"))

        def leave(request: gr.Request) -> None:
            visitors.leave(session(request))

        demo.unload(leave)
    return demo


def settings_panel() -> list[gr.components.Component]:
    """What a visitor may choose; `chosen` reads it."""
    with gr.Accordion("Settings", open=False):
        return [
            gr.Radio(
                [("fast", "fast"), ("accurate, about half as fast", "accurate")],
                value="fast",
                label="Quality",
            ),
            gr.Slider(1, 6, 2, step=1, label="People whose actions are named"),
            gr.Radio(list(CONFIDENCE), value="calibrated", label="Confidence to name an action"),
        ]


def chosen(quality: str, people: float, confidence: str) -> Settings:
    """The settings that the panel's values mean."""
    return Settings(quality, int(people), CONFIDENCE[confidence])


def session(request: gr.Request) -> str:
    """The name of a visitor's session; callers of the API who keep none share one."""
    return request.session_hash or "none"


def only_uploads(component: gr.components.Component) -> None:
    """Let a component take uploads only: Gradio would fetch any address that a client names."""
    take = component.async_move_resource_to_block_cache

    async def take_file(place: str | Path | None) -> str | None:
        if place and not Path(place).resolve().is_relative_to(component.GRADIO_CACHE):
            raise gr.Error("Please upload the video.", print_exception=False)
        return await take(place)

    component.async_move_resource_to_block_cache = take_file


def video_tab(visitors: Visitors) -> None:
    """A video in; the annotated one, a chart, a table and files out."""
    with gr.Row():
        with gr.Column(min_width=340):
            upload = gr.Video(label="Your video", sources=["upload"], height=280)
            only_uploads(upload)
            start = gr.Button("Recognise actions", variant="primary")
            status = gr.HTML(visible=False)
            cancel = gr.Button("Cancel", visible=False)
            examples = gr.Examples(
                [str(path) for path in EXAMPLES], upload, label="None at hand? Click one of these"
            )
            options = settings_panel()
        with gr.Column(min_width=340, visible=False) as results:
            video = gr.Video(label="Result", interactive=False, autoplay=True)
            timeline = gr.HTML()
            events = gr.HTML()
            with gr.Row():
                files = [
                    gr.DownloadButton(what, size="sm", min_width=100)
                    for what in ("Video (MP4)", "Frames (JSON Lines)", "Actions (CSV)")
                ]

    def recognise(
        video: str, quality: str, people: float, confidence: str, request: gr.Request
    ) -> Iterator[tuple]:
        """Annotate a video: its progress, and at last the video, JSON Lines and CSV files."""
        if not video:
            raise gr.Error("Choose a video first, or click an example.", print_exception=False)
        began = told = time.monotonic()
        settings = chosen(quality, people, confidence)
        try:
            for annotation in visitors.enter(session(request)).annotate(Path(video), settings):
                now = time.monotonic()
                if now - told >= NEWS:
                    told = now
                    yield progress(annotation, now - began), *[gr.skip()] * 4
        except UserError as error:
            raise gr.Error(str(error), duration=None, print_exception=False) from error
        paths = annotation.video, annotation.lines, annotation.events
        yield bar(1.0, "done"), str(annotation.video), *map(str, paths)

    def wait() -> tuple:
        return (
            gr.update(visible=True, value=bar(None, "waiting for its turn")),
            gr.update(visible=True),
            gr.update(visible=False),
            gr.update(visible=False),
        )

    def show(request: gr.Request) -> tuple:
        last = visitors.find(session(request)).last
        found = read_events(last.events)
        return gr.update(visible=True), chart(found, last.total or last.done), table(found)

    def rest() -> tuple:
        return gr.update(visible=False), gr.update(visible=False), gr.update(visible=True)

    quiet = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    jobs = []
    for trigger, visibility in (
        (start.click, "public"),
        (examples.load_input_event.then, "private"),
    ):
        job = trigger(wait, None, [status, cancel, start, results], **quiet).then(
            recognise,
            [upload, *options],
            [status, video, *files],
            api_name="recognise",
            api_visibility=visibility,
            concurrency_limit=1,
            concurrency_id="video",
            show_progress="full",
            show_progress_on=status,
        )
        job.success(show, None, [results, timeline, events], **quiet)
        for ended in (job.success, job.failure):
            ended(rest, None, [status, cancel, start], **quiet)
        jobs.append(job)
    cancel.click(rest, None, [status, cancel, start], cancels=jobs, **quiet)


def live_tab(visitors: Visitors) -> None:
    """The browser's camera, with what is seen drawn into its pictures."""

    def look(sent: list[str]) -> dict[str, str]:
        name, url = sent
        try:
            result, threshold = visitors.find(name).look(read_picture(url))
        except UserError as error:
            return {"error": str(error)}
        picture = draw(*mirror(result.frame.image, result.people), result.actions, threshold)
        return {
            "picture": picture_url(picture),
            "actions": actions_now(result.people, result.actions),
        }

    def choose(quality: str, people: float, confidence: str, request: gr.Request) -> None:
        visitors.enter(session(request)).settings = chosen(quality, people, confidence)

    camera = gr.HTML(
        html_template=LIVE,
        js_on_load=(ROOT / "apps" / "live.js").read_text(encoding="utf-8"),
        server_functions=[look],
    )
    options = settings_panel()
    private = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    gr.on([option.change for option in options], choose, options, None, **private)

    def enter(request: gr.Request) -> str:
        visitors.enter(session(request))
        return session(request)

    gr.on(None, enter, None, camera, **private)  # when the page is loaded


if __name__ == "__main__":
    run(main)
