"""The house: imports go one way, heavy libraries have one importer, threads and fences are where we say."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
MODULES = sorted(
    path
    for package in ("wyoming_voice", "satellite")
    for path in (REPOSITORY / package).rglob("*.py")
)

TIERS = (
    {
        "access",
        "core",
        "cores",
        "engine_versions",
        "extensions",
        "flags",
        "logs",
        "ranks",
        "renamed",
    }
    | {"lag", "own_names", "sockets", "systemd"},
    {"errands", "errors", "onnx", "otlp", "pulls"},
    {"gate", "open_files", "secret_files"},
    {"certificates"},
    {"tls", "tracing"},
    {"audio", "smart_turn", "threshold", "vad", "wire", "toml"},
    {"listening"},
    {"client", "describing", "config", "hub", "media", "metrics", "outcome", "wav", "worker"},
    {"isolation", "settings"},
    {"announcement", "hass", "http", "progress", "subtitle_files", "whole_files"},
    {"discovery", "exposure", "ledger", "program", "service_metrics"},
    {"entrances", "peer", "side_doors"},
    {"service"},
    {"asr", "tts", "handle"},
    {
        "benchmark",
        "calibrate",
        "discover",
        "install_systemd",
        "models",
        "say",
        "stack",
        "subtitles",
    },
    {"satellite"},
    {"gateway"},
    {"status", "up"},
    {"demo"},
    {"cli"},
    {"__main__"},
)
"""Lowest first; each part imports from below its own tier only, and parts of one tier not each other."""

SATELLITE_MAY_IMPORT = {"core", "errors", "audio", "vad", "wire", "client", "config", "discovery"}
SATELLITE_MAY_IMPORT |= {"announcement", "describing", "extensions", "lag", "metrics", "smart_turn"}
SATELLITE_MAY_IMPORT |= {
    "access",
    "errands",
    "exposure",
    "gate",
    "listening",
    "logs",
    "outcome",
    "settings",
    "systemd",
}
SATELLITE_MAY_IMPORT |= {"ledger", "tracing", "wav"}

ONE_IMPORTER = {
    "faster_whisper": "wyoming_voice/asr/whisper/ctranslate.py",
    "ctranslate2": "wyoming_voice/asr/whisper/ctranslate.py",
    "pocketsphinx": "wyoming_voice/asr/pocketsphinx.py",
    "kokoro": "wyoming_voice/tts/network.py",
    "torch": "wyoming_voice/tts/network.py",
    "jiwer": "wyoming_voice/calibrate/words.py",
    "tomlkit": "wyoming_voice/calibrate/configuration.py",
    "misaki": "wyoming_voice/tts/phonemes.py",
    "spacy": "wyoming_voice/tts/phonemes.py",
    "espeakng_loader": "wyoming_voice/tts/espeak.py",
    "sentencex": "wyoming_voice/core/sentences.py",
    "onnxruntime": "wyoming_voice/onnx.py",
    "soxr": "wyoming_voice/audio.py",
    "zeroconf": "wyoming_voice/discovery.py",
    "ifaddr": "wyoming_voice/announcement.py",
    "httpx": "wyoming_voice/handle/llm/llama_swap.py",
    "sounddevice": "satellite/devices/portaudio.py",
    "pywebrtc_audio": "satellite/hearing/echo.py",
    "pymicro_wakeword": "satellite/hearing/wake.py",
    "prometheus_client": "wyoming_voice/metrics.py",
    "av": "wyoming_voice/media",
    "uvicorn": "wyoming_voice/http",
    "websockets": "wyoming_voice/hass/connection.py",
    "mcp": "wyoming_voice/handle/mcp",
    "httpx2": "wyoming_voice/handle/mcp",
    "hassil": "wyoming_voice/handle/fast/sentences.py",
    "home_assistant_intents": "wyoming_voice/handle/fast/sentences.py",
    "jinja2": "wyoming_voice/handle/fast/sentences.py",
    "opentelemetry": "wyoming_voice/otlp.py",
    "pythonjsonlogger": "wyoming_voice/logs.py",
    "jellyfish": "wyoming_voice/asr/names/sounding.py",
}

SATELLITE_TIERS = (
    {"events"},
    {"effects"},
    {"parts"},
    {"config", "dialog"},
    {"turn"},
    {"around", "devices", "hearing", "home_assistant", "speaking", "standalone"},
    {"build", "link", "loop"},
    {"buttons", "story"},
    {"ask"},
    {"box", "doctor"},
    {"run"},
)
"""The same inside the satellite: its rooms know the protocols of `parts`, and not each other."""

SATELLITE_CORES = {
    *("events", "effects", "turn", "dialog", "hearing.ears", "hearing.deafness", "hearing.level"),
    *("home_assistant.session", "home_assistant.audio", "home_assistant.messages"),
    *("home_assistant.info", "doctor.findings", "doctor.measure", "doctor.running"),
    *("speaking.mixer", "speaking.playback", "speaking.levels"),
    *("standalone.conversation", "standalone.pace", "standalone.reports", "devices.catalogue"),
    *("around.event_names", "around.tally", "around.timer_book", "around.timer_words"),
    *("around.tool_specs", "standalone.means"),
}
"""Where the satellite decides: no clock, tasks, threads or logging."""

CORE_LIBRARIES = {"sentences": {"sentencex"}, "speakable": {"num2words"}, "numbers": {"num2words"}}
"""What a core may import beside the standard library, by how the file's name begins."""

IMPURE = {"asyncio", "threading", "time", "logging", "socket", "subprocess", "concurrent", "random"}


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def part_of(name: str) -> str:
    """`wyoming_voice.asr.engine` belongs to `asr`, `satellite.turn` to `satellite`."""
    package, *rest = name.split(".")
    if package == "satellite":
        return "__main__" if rest == ["__main__"] else package
    return rest[0] if rest else package


def module_at(path: Path) -> str:
    return name_of(path).removesuffix(".py").replace("/", ".")


def part_at(path: Path) -> str:
    return part_of(module_at(path))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, in functions too, and by name with `import_module`."""
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                if module in ("wyoming_voice", "satellite"):
                    yield from (f"{module}.{alias.name}" for alias in names)
                else:
                    yield module
            case ast.ImportFrom(level=level) if level:
                raise AssertionError(f"{name_of(path)}:{node.lineno}: write the whole module name")
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


def our_imports(path: Path) -> set[str]:
    ours = {
        module for module in imports(path) if module.split(".")[0] in ("wyoming_voice", "satellite")
    }
    return {part_of(module) for module in ours} - {"__version__", "wyoming_voice"}


def outside_imports(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports(path)} - {"wyoming_voice", "satellite"}


def tier_of(part: str) -> int:
    for number, tier in enumerate(TIERS):
        if part in tier:
            return number
    raise AssertionError(f"give {part!r} a tier in {name_of(Path(__file__))}")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    part = part_at(path)
    if path.name == "__init__.py" and path.parent.parent == REPOSITORY:
        assert set(imports(path)) == set()
        return
    for imported in our_imports(path) - {part}:
        assert tier_of(imported) < tier_of(part), f"{part} imports {imported}"


@pytest.mark.parametrize("path", [p for p in MODULES if part_at(p) == "satellite"], ids=name_of)
def test_the_satellite_needs_no_server(path: Path) -> None:
    assert our_imports(path) - {"satellite"} <= SATELLITE_MAY_IMPORT


def room_of(name: str) -> str:
    """`satellite.hearing.mic` belongs to `hearing`."""
    return name.split(".")[1]


@pytest.mark.parametrize("path", [p for p in MODULES if part_at(p) == "satellite"], ids=name_of)
def test_the_rooms_of_the_satellite_are_apart(path: Path) -> None:
    tiers = {room: number for number, tier in enumerate(SATELLITE_TIERS) for room in tier}
    if path.name == "__init__.py":
        assert set(imports(path)) == set()
        return
    room = room_of(module_at(path))
    for imported in imports(path):
        if imported.startswith("satellite.") and room_of(imported) != room:
            assert tiers[room_of(imported)] < tiers[room], f"{room} imports {imported}"


@pytest.mark.parametrize("core", sorted(SATELLITE_CORES))
def test_the_cores_of_the_satellite_are_pure(core: str) -> None:
    paths = [path for path in MODULES if f"{module_at(path)}.".startswith(f"satellite.{core}.")]
    assert paths
    for path in paths:
        assert outside_imports(path) & IMPURE == set(), name_of(path)


@pytest.mark.parametrize("path", [p for p in MODULES if part_at(p) == "core"], ids=name_of)
def test_cores_are_pure(path: Path) -> None:
    assert our_imports(path) <= {"core"}
    allowed: set[str] = set()
    for start, libraries in CORE_LIBRARIES.items():
        if path.stem.startswith(start):
            allowed |= libraries
    outside = outside_imports(path)
    assert outside - sys.stdlib_module_names <= allowed
    assert outside & IMPURE == set()


@pytest.mark.parametrize("library", ONE_IMPORTER)
def test_a_heavy_library_has_one_importer(library: str) -> None:
    importers = {name_of(path) for path in MODULES if library in outside_imports(path)}
    assert all(name.startswith(ONE_IMPORTER[library]) for name in importers)


THREADS_IN = {
    "wyoming_voice/worker.py",
    "wyoming_voice/isolation/keeper.py",
    "wyoming_voice/isolation/child.py",
    "satellite/hearing/listener.py",
    "satellite/devices/portaudio.py",
}
STARTERS = {
    "Thread",
    "Timer",
    "ThreadPoolExecutor",
    "ProcessPoolExecutor",
    "to_thread",
    "run_in_executor",
}
STARTERS |= {"start_new_thread"}


def names_used(path: Path) -> set[str]:
    nodes = list(ast.walk(tree_of(path)))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used |= {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {
        alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    ours = {"Timer"} if "threading" not in imports(path) else set()  # one that rings
    return used - ours


def test_threads_are_started_where_they_are_expected() -> None:
    assert {name_of(path) for path in MODULES if names_used(path) & STARTERS} <= THREADS_IN


FENCES = {"wyoming_voice/peer.py", "wyoming_voice/http/fence.py"}
FENCES |= {"wyoming_voice/isolation/child.py"}
FENCES |= {"satellite/loop.py", "wyoming_voice/cli.py"}
"""The connection, however it came, the call of an engine in a process of its own, the effect, the command:
each with one `except Exception` at most."""


def broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))
        for kind in caught
    )


def test_everything_is_caught_at_the_named_fences_only() -> None:
    found: list[str] = []
    for path in MODULES:
        handlers = [n for n in ast.walk(tree_of(path)) if isinstance(n, ast.ExceptHandler)]
        found += [name_of(path) for handler in handlers if broad(handler)]
    assert set(found) <= FENCES
    assert all(found.count(name) == 1 for name in found)


LOADED = """
import sys
before = set(sys.modules)
import {modules}
names = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(names - set(sys.stdlib_module_names) - {{"wyoming_voice", "satellite"}}))
"""


def third_party_modules(modules: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(modules=modules)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "modules", ["wyoming_voice, satellite", "wyoming_voice.cli, wyoming_voice.errors"]
)
def test_importing_the_packages_loads_no_third_party_module(modules: str) -> None:
    assert third_party_modules(modules) == set()


HEAVY = {*ONE_IMPORTER, "numpy", "transformers", "huggingface_hub", "tokenizers", "av"}


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [
        ("wyoming_voice.service", {"zeroconf", "ifaddr"}),
        ("wyoming_voice.asr.server", {"zeroconf", "ifaddr", "numpy", "onnxruntime", "soxr"}),
        ("wyoming_voice.tts.server", {"zeroconf", "ifaddr", "numpy", "sentencex", "soxr"}),
        ("wyoming_voice.handle.server", {"zeroconf", "ifaddr", "httpx"}),
        ("satellite.box", {"zeroconf", "ifaddr", "numpy", "onnxruntime", "soxr", "sentencex"}),
        ("satellite.run", set()),
        (
            "wyoming_voice.gateway.server",
            {"zeroconf", "ifaddr", "numpy", "onnxruntime", "soxr", "sentencex", "av", "uvicorn"}
            | {"prometheus_client", "websockets", "opentelemetry"},  # FastAPI looks for the last
        ),
    ],
)
def test_a_server_loads_no_engine_but_its_own(modules: str, allowed: set[str]) -> None:
    assert third_party_modules(modules) & HEAVY <= allowed
