"""Serve a web page that recognises actions in videos and before the browser's camera."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apps.cli import Parser, run, whole  # before Gradio: it turns reports of libraries off

# isort: split
import gradio as gr

from models.errors import UserError
from pipeline.events_file import read_events
from pipeline.overlay import draw, mirror
from pipeline.web.addresses import Addresses
from pipeline.web.annotation import Annotation
from pipeline.web.folder import temporary_folder
from pipeline.web.limits import MAX_SECONDS
from pipeline.web.networks import Networks, Settings
from pipeline.web.page import (
    about,
    bar,
    live_panel,
    picture_url,
    progress,
    table,
    waiting,
)
from pipeline.web.server import GuardedApp
from pipeline.web.takes import LIMITS as LIMITS_OF_TAKES
from pipeline.web.teach_calls import teach_calls
from pipeline.web.timeline import chart
from pipeline.web.visitors import Visitor, Visitors

ROOT = Path(__file__).parents[1]
EXAMPLES = [ROOT / "tests" / "data" / f"{name}.mp4" for name in ("two_people", "walk")]
UPLOAD_LIMIT = 200
"""Largest uploaded file in megabytes."""
PROGRESS_PERIOD = 0.25
"""Seconds between updates of a video's progress."""
QUIET: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""Options of events that run at once, without a sign of progress, and are not in the API."""
SAYING: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""Options of events that run at once and may say what is wrong, for which they need the queue."""
INTO_VIEW = "() => document.getElementById('results').scrollIntoView({block: 'nearest'})"
"""Show the results where they are below what the visitor sees, as on a telephone."""
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
LIVE = """<div class="live watch">
<div class="view" hidden>
<img alt="What the camera sees, with skeletons and actions drawn into it">
<p class="hint" role="status" hidden></p>
</div>
<div class="panel"><button class="camera" disabled>Start the camera</button>
<div class="says"></div>
<p class="quiet"><span class="pace"></span> No picture is kept.</p></div>
</div>"""
LIMITS = f"""### Limits

People are seen as skeletons: what they hold is not seen, and what looks alike as a skeleton cannot
be told apart. An answer takes half a second at least and is best after two. People who are hidden,
tiny or cut off by the picture's edge are often missed. Nobody is identified: a person is a number
that starts at 1 in every video. Do not let it decide anything about anybody.

A video may last {MAX_SECONDS} seconds and have {UPLOAD_LIMIT} MB; longer ones are for
`apps/video.py`. Uploads and results are deleted when the page is closed."""


def parser() -> Parser:
    """The command line."""
    command = Parser(prog="web.py", description=__doc__)
    command.add_argument(
        "--host",
        action="append",
        help="address to listen on (default: 127.0.0.1, this machine only); once more for each "
        "further name that browsers may call the page by",
    )
    command.add_argument("--port", type=whole(0, 65_535), default=7860, help="default 7860")
    command.add_argument("--share", action="store_true", help="also serve publicly, by gradio.live")
    command.add_argument("--weights", type=Path, help="another STRL checkpoint (.safetensors)")
    command.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1, mps")
    return command


def main() -> None:
    """Run the program.

    Raises:
        UserError: the address cannot be used, or the weights cannot be read.
    """
    options = parser().parse_args()
    addresses = Addresses(options.host or ["127.0.0.1"], options.port, options.share)
    with temporary_folder() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)
        networks = Networks(options.device, *filter(None, [options.weights]))
        with Visitors(networks, folder, EXAMPLES) as visitors:
            try:
                page(networks, visitors).queue(api_open=False).launch(
                    server_name=addresses.listen,
                    server_port=options.port,
                    share=options.share,
                    max_file_size=f"{UPLOAD_LIMIT}mb",
                    theme=THEME,
                    css_paths=ROOT / "apps" / "web.css",
                    footer_links=["api"],
                    run_history=False,
                    ssr_mode=False,
                    _app=GuardedApp(visitors, addresses, UPLOAD_LIMIT * 1_000_000, options.share),
                )
            except OSError as error:
                where = f"{addresses.listen}:{options.port}"
                raise UserError(f"cannot listen on {where}: {error}") from error


def page(networks: Networks, visitors: Visitors) -> gr.Blocks:
    """The page with its tabs."""
    with gr.Blocks(title="Live action recognition", analytics_enabled=False) as demo:
        gr.HTML(HEAD)
        with gr.Tab("Video"):
            connect_video_tab(VideoTab(), visitors)
        with gr.Tab("Live"):
            live = live_tab(visitors)
        with gr.Tab("Teach"):
            teach = teach_tab(visitors)
        with gr.Tab("About"):
            gr.Markdown(about(networks.labels, LIMITS))
            with gr.Accordion("Model card", open=False):
                gr.Markdown((ROOT / "weights" / "MODEL_CARD.md").read_text(encoding="utf-8"))

        def leave(request: gr.Request) -> None:
            visitors.leave(session(request))

        def enter(request: gr.Request) -> tuple[str, str]:
            with told():
                visitors.enter(session(request))
            return session(request), session(request)

        demo.unload(leave)
        gr.on(None, enter, None, [live, teach], **SAYING)  # when the page is loaded
    return demo


def settings_panel() -> list[gr.Radio | gr.Slider]:
    """The settings that a visitor may choose; `chosen` reads their values."""
    with gr.Accordion("Settings", open=False):
        return [
            gr.Radio(
                ["fast", "accurate"],
                value="fast",
                label="Quality",
                info="Accurate finds joints better, at a third of the pictures a second.",
            ),
            gr.Slider(
                1,
                6,
                2,
                step=1,
                label="People whose actions are named",
                info="The largest come first; more of them also names bystanders, a little slower.",
            ),
            gr.Radio(
                list(CONFIDENCE),
                value="calibrated",
                label="Confidence to name an action",
                info="A higher one names less, and is wrong less often.",
            ),
        ]


def chosen(quality: str, people: float, confidence: str) -> Settings:
    """The settings for the values of the panel."""
    return Settings(quality, int(people), CONFIDENCE[confidence])


def session(request: gr.Request) -> str:
    """The name of a visitor's session; each call of the API has one of its own if it names none."""
    return request.session_hash or secrets.token_hex(16)


def only_uploads(component: gr.Video) -> None:
    """Restrict a component to uploaded files: Gradio would open any address that a client names."""
    take = component.async_move_resource_to_block_cache

    async def take_file(url_or_file_path: str | Path | None) -> str | None:
        path = url_or_file_path
        if path and not Path(path).resolve().is_relative_to(component.GRADIO_CACHE):
            raise gr.Error("Please upload the video.", print_exception=False)
        return await take(path)

    # Gradio has no setting for it.
    component.async_move_resource_to_block_cache = take_file  # type: ignore[method-assign]


class VideoTab:
    """The components of the video tab: an upload, and its results."""

    def __init__(self) -> None:
        with gr.Row():
            with gr.Column(min_width=340):
                self.upload = gr.Video(label="Your video", sources=["upload"], height=280)
                only_uploads(self.upload)
                self.start = gr.Button("Recognise actions", variant="primary")
                self.status = gr.HTML(visible=False)
                self.cancel = gr.Button("Cancel", visible=False)
                self.examples = gr.Examples(
                    [str(path) for path in EXAMPLES],
                    self.upload,
                    label="None at hand? Click one of these",
                )
                self.settings = settings_panel()
            with gr.Column(min_width=340, visible=False, elem_id="results") as self.results:
                self.video = gr.Video(label="Result", interactive=False, autoplay=True)
                self.timeline = gr.HTML()
                self.events = gr.HTML()
                with gr.Row():
                    self.files = [
                        gr.DownloadButton(what, size="sm", min_width=100)
                        for what in ("Video (MP4)", "Frames (JSON Lines)", "Actions (CSV)")
                    ]


def connect_video_tab(tab: VideoTab, visitors: Visitors) -> None:
    """Let the buttons and examples of the video tab annotate a video."""

    def recognise(
        video: str, quality: str, people: float, confidence: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Annotate a video: its progress, and at last the video, JSON Lines and CSV files."""
        if not video:
            raise gr.Error("Choose a video first, or click an example.", print_exception=False)
        settings = chosen(quality, people, confidence)
        yield from annotate_upload(visitors.annotate(session(request), Path(video), settings))

    def claim(video: str, request: gr.Request) -> None:
        if video:
            with told():
                visitors.enter(session(request)).claim(Path(video))

    def show(request: gr.Request) -> tuple[Any, ...]:
        return show_results(visitors.find(session(request)))

    tab.upload.upload(claim, tab.upload, None, **SAYING)
    jobs = []
    for trigger, visibility in (
        (tab.start.click, "public"),
        (tab.examples.load_input_event.then, "private"),
    ):
        job = trigger(wait, None, [tab.status, tab.cancel, tab.start, tab.results], **QUIET).then(
            recognise,
            [tab.upload, *tab.settings],
            [tab.status, tab.video, *tab.files],
            api_name="recognise",
            api_visibility=visibility,
            concurrency_limit=None,  # they wait for their turn themselves
            show_progress="full",
            show_progress_on=tab.status,
        )
        shown = job.success(show, None, [tab.results, tab.timeline, tab.events], **QUIET)
        shown.then(None, js=INTO_VIEW, **QUIET)
        for ended in (job.success, job.failure):
            ended(rest, None, [tab.status, tab.cancel, tab.start], **QUIET)
        jobs.append(job)
    tab.cancel.click(rest, None, [tab.status, tab.cancel, tab.start], cancels=jobs, **QUIET)


def annotate_upload(reports: Iterator[Annotation | int]) -> Iterator[tuple[Any, ...]]:
    """Annotate a video for the page; arguments as what `Visitors.annotate` yields.

    Yields:
        The status, and what becomes of the video and the three files.
    """
    began = told_at = time.monotonic()
    with told():
        for report in reports:
            now = time.monotonic()
            if isinstance(report, int):
                began = now
                yield waiting(report), *[gr.skip()] * 4
            elif now - told_at >= PROGRESS_PERIOD:
                told_at = now
                yield progress(report, now - began), *[gr.skip()] * 4
    assert isinstance(report, Annotation)  # the last one
    files = [str(path) for path in (report.video, report.lines, report.events)]
    said = "done"
    if report.problem is not None:
        said = f"done, but {report.problem}"
        gr.Warning(report.problem, duration=None)  # it stays, which the bar does not
    yield bar(1.0, said), files[0], *files


@contextmanager
def told() -> Iterator[None]:
    """Show the user's mistakes in the page."""
    try:
        yield
    except UserError as error:
        raise gr.Error(str(error), duration=None, print_exception=False) from error


def show_results(visitor: Visitor) -> tuple[Any, ...]:
    """Show the results' column, with the chart and the table of a visitor's last video."""
    last = visitor.last
    assert last is not None  # this follows a job that has succeeded
    found = read_events(last.events)
    return gr.update(visible=True), chart(found, last.total or last.done), table(found)


def wait() -> tuple[Any, ...]:
    """Show status and cancel button; hide start button and results."""
    return (
        gr.update(visible=True, value=bar(None, "waiting for its turn")),
        gr.update(visible=True),
        gr.update(visible=False),
        gr.update(visible=False),
    )


def rest() -> tuple[Any, ...]:
    """Hide status and cancel button; show the start button."""
    return gr.update(visible=False), gr.update(visible=False), gr.update(visible=True)


def script(*names: str) -> str:
    """The scripts of these names, as one."""
    return "\n".join((ROOT / "apps" / name).read_text(encoding="utf-8") for name in names)


def live_tab(visitors: Visitors) -> gr.HTML:
    """The browser's camera, with people and actions drawn into its pictures."""

    def process(sent: Any) -> dict[str, str]:
        try:
            result, panel, threshold = visitors.process(sent)
        except UserError as error:
            return {"error": str(error)}
        picture = draw(*mirror(result.frame.image, result.people), result.actions, threshold)
        return {
            "picture": picture_url(picture),
            "hint": panel.hint or "",
            "panel": live_panel(panel),
        }

    def choose(quality: str, people: float, confidence: str, request: gr.Request) -> None:
        with told():
            visitors.enter(session(request)).settings = chosen(quality, people, confidence)

    camera = gr.HTML(
        html_template=LIVE,
        js_on_load=script("camera.js", "live.js"),
        server_functions=[process],
    )
    settings = settings_panel()
    gr.on([setting.change for setting in settings], choose, settings, None, **SAYING)
    return camera


def teach_tab(visitors: Visitors) -> gr.HTML:
    """Labels of the visitor's own: takes before the camera, a lesson, and the camera again."""
    return gr.HTML(
        html_template=(ROOT / "apps" / "teach.html").read_text(encoding="utf-8"),
        js_on_load=script("camera.js", "teach.js"),
        server_functions=teach_calls(visitors),
        limits=LIMITS_OF_TAKES,
    )


if __name__ == "__main__":
    run(main)
