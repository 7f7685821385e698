"""What the documents say holds: links, paths, commands, examples, and the tables of the studies."""

import re
import runpy
import shlex
import subprocess
import sys
from importlib import import_module
from shutil import which

import pytest
from PIL import Image

from models.errors import UserError
from models.files import CONFIGS, ROOT
from models.training.recipes import read_config
from models.training.studies import Study
from models.training.tables import table

RECORDS = ROOT / "docs" / "results"
PAGES = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "weights/*.md", "tests/**/*.md")
    for path in sorted(ROOT.glob(pattern))
]
OF_OTHERS = {"--nproc-per-node", "--head", "--include-dashboard"}
"""Options of torchrun and Ray."""
MANUALS = {
    "docs/video.md": ["video"],
    "docs/batch.md": ["batch"],
    "docs/camera.md": ["webcam"],
    "docs/web.md": ["web"],
    "docs/teach.md": ["teach"],
    "docs/speed.md": ["benchmark"],
    "docs/training.md": ["extract", "pretrain", "finetune", "evaluate", "results"],
}
"""The programs that each page describes."""
PROGRAMS = [program for programs in MANUALS.values() for program in programs]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\]\((\S+?)\)|^\[\w+\]: (\S+)$", re.M)
FILE = re.compile(r"(?<![\w./-])(?:apps|docs|models|pipeline|tests|weights|\.ci)/[\w./*-]*")
MODULE = re.compile(r"(?<![\w./-])(?:apps|models|pipeline)(?:\.[A-Za-z_]\w*)+")
COMMAND = re.compile(rf"(?:(?<![\w/])|(?<=apps/))({'|'.join(PROGRAMS)})\.py(?:\s+(.*)|$)")
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def fenced(page, *languages):
    """The blocks of code in these languages."""
    return [text for language, text in FENCE.findall(read(page)) if language in languages]


def code(page):
    """Lines of code, and pieces of it in sentences and tables; examples in Python left out."""
    prose = FENCE.sub("", read(page))
    blocks = [block for language, block in FENCE.findall(read(page)) if language != "python"]
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"^ {4}(\S.*)$", prose, re.M)
    return lines + [" ".join(piece.split()) for piece in re.findall(r"`([^`]+)`", prose)]


def commands(lines):
    """Our programs that these lines call, each with its arguments."""
    found = filter(None, map(COMMAND.search, lines))
    return [(call[1], shlex.split(call[2] or "", comments=True)) for call in found]


def parser_of(program):
    return import_module(f"apps.{program}").parser()


def options_of(*programs):
    """The long options of programs."""
    flags = {flag for program in programs for flag in parser_of(program)._option_string_actions}
    return {flag for flag in flags if flag.startswith("--")} - {"--help"}


def anchors(page):
    """What a heading is called in an address, as GitHub has it."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", read(page)), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_within_the_repository_leads_somewhere(page):
    for address in ("".join(found) for found in LINK.findall(FENCE.sub("", read(page)))):
        if "://" in address:
            continue
        name, _, anchor = address.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), address
        assert not anchor or anchor in anchors(target.resolve().relative_to(ROOT)), address


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_module_that_is_named_is_there(page):
    for line in code(page):
        for name in FILE.findall(line):
            assert any(ROOT.glob(name.rstrip("/."))), name
        for name in MODULE.findall(line):
            assert exists(name.split(".")), name


def exists(parts, found=None):
    """Whether dotted names are a module, or something in one."""
    for number, part in enumerate(parts):
        if not hasattr(found, part):
            try:
                found = import_module(".".join(parts[: number + 1]))
            except ImportError:
                return False
        else:
            found = getattr(found, part)
    return True


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one_that_its_program_takes(page):
    for program, arguments in commands(code(page)):
        flags = {argument for argument in arguments if FLAG.fullmatch(argument)}
        assert flags <= options_of(program), arguments
    for program, arguments in commands(line for b in fenced(page, "sh") for line in b.splitlines()):
        try:
            parser_of(program).parse_args([a for a in arguments if a != "…"])
        except UserError as error:
            pytest.fail(f"{program}.py {arguments}: {error}")


@pytest.mark.parametrize(("page", "programs"), MANUALS.items())
def test_a_manual_has_every_option_and_no_other(page, programs):
    named = {flag for line in code(page) for flag in FLAG.findall(line)}
    elsewhere = {flag for _, arguments in commands(code(page)) for flag in arguments}
    assert options_of(*programs) <= named
    assert named - elsewhere - OF_OTHERS <= options_of(*programs)


@pytest.mark.parametrize("page", PAGES)
def test_every_example_in_python_compiles(page):
    for text in fenced(page, "python"):
        compile(text, page, "exec")


def test_the_example_of_the_readme_names_a_walk(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (text,) = fenced("README.md", "python")
    names = {}
    exec(text, names)
    assert "(1,) walk 0.9" in capsys.readouterr().out
    assert names["image"].shape == (442, 1280, 3)


def test_the_example_with_frames_of_ones_own_runs(capsys):
    (text,) = fenced("docs/video.md", "python")
    exec(text, {})
    assert capsys.readouterr().out == "[] []\n"


@pytest.mark.slow
def test_the_moving_picture_can_be_made_again(tmp_path):
    shipped = Image.open(ROOT / "docs" / "preview.webp")
    assert shipped.n_frames > 60
    assert (ROOT / "docs" / "preview.webp").stat().st_size < 3_000_000
    make = runpy.run_path(str(ROOT / "docs" / "make_preview.py"))["make"]
    make(tmp_path / "preview.webp", 0.0, 0.2)
    made = Image.open(tmp_path / "preview.webp")
    assert (made.size, made.n_frames) == (shipped.size, 6)


@pytest.mark.browser
@pytest.mark.skipif(not (which("chromium") or which("google-chrome")), reason="needs Chromium")
def test_the_pictures_of_the_page_can_be_made_again(tmp_path):
    # In a process of its own: Playwright may run once in each, and does so for other tests.
    program = ROOT / "docs" / "make_screenshots.py"
    subprocess.run([sys.executable, program, tmp_path], check=True, timeout=300)
    for name in ("web-video.png", "web-live.png", "web-teach.png"):
        made, shipped = (Image.open(folder / name) for folder in (tmp_path, ROOT / "docs"))
        assert made.width == shipped.width and made.height >= 660


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("benchmark", "docs/training.md"),
        ("fractions", "docs/training.md"),
        ("ablation", "weights/MODEL_CARD.md"),
    ],
)
def test_the_rows_of_a_table_are_made_of_complete_records(kind, page):
    config = read_config(CONFIGS / f"{kind}.py")
    study = Study(config, RECORDS, peers=config.study.get("peers", []))
    records = study.records()
    rows = {(record["row"], record.get("peer")) for record in records}
    assert len(records) == sum((run.row, run.peer) in rows for run in study.results)
    assert f"<!-- {kind} -->\n{table(records, config)}\n<!-- /{kind} -->" in read(page)


def test_the_table_of_pretraining_is_made_of_its_records():
    config = read_config(CONFIGS / "motion_fractions.py")
    shown = table(Study(config, RECORDS).records(), config)
    assert "UTD-MHAD" in shown
    assert f"<!-- fractions -->\n{shown}\n<!-- /fractions -->" in read("docs/pretraining.md")


def test_what_is_wrong_would_be_seen():
    assert commands(["python apps/results.py models/configs/benchmark.py --data X  # again"]) == [
        ("results", ["models/configs/benchmark.py", "--data", "X"])
    ]
    assert commands(["see pipeline/speed/benchmark.py", "`models/configs/benchmark.py`"]) == []
    assert options_of("web") >= {"--host", "--share"}
    assert exists(["models", "errors", "UserError"]) and not exists(["models", "errors", "Oops"])
    assert "the-cache-of-compiled-networks" in anchors("docs/setup.md")
