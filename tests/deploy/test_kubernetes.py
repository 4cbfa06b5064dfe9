"""The Kubernetes manifests, without a cluster: valid by schema, and true of the servers that they run.

`kubectl kustomize` puts the parts together where it is installed; the base alone is checked everywhere.
"""

import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.metrics_pages import all_pages, names_of
from tests.metrics_client import MetricsClient
from tests.test_deploy import SERVICES
from wyoming_voice import __version__, service
from wyoming_voice.cli import COMMANDS
from wyoming_voice.config import load
from wyoming_voice.wire import parse_uri

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
COMPONENTS = ("llama-swap", "home-network", "home-assistant", "autoscaling", "gpu")
OURS = ("asr", "tts", "handle", "gateway")
VERSION = "1.37"

Manifest = dict[str, Any]
READY, LIVE = "/ready", "/live"
_FLAGS = ("--log-format", "json")
needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None,
    reason="kubectl is not on PATH, whose `kustomize` joins the parts",
)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kustomization of one's own, with every component."""
    directory = tmp_path_factory.mktemp("everything")
    parts = {part: os.path.relpath(KUBERNETES / part, directory) for part in ("base", *COMPONENTS)}
    whole = {
        "namespace": "voice",
        "resources": [parts.pop("base")],
        "components": [*parts.values()],
    }
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(whole))
    return directory


@pytest.fixture(
    scope="module",
    params=[
        "base",
        *(pytest.param(name, marks=needs_kubectl) for name in ("example", "everything")),
    ],
)
def manifests(request: pytest.FixtureRequest, everything: Path) -> list[Manifest]:
    if request.param == "base" and shutil.which("kubectl") is None:
        return [one for path in sorted((KUBERNETES / "base").glob("*.yaml")) for one in _in(path)]
    return _rendered(everything if request.param == "everything" else KUBERNETES / request.param)


def _rendered(directory: Path) -> list[Manifest]:
    command = ("kubectl", "kustomize", str(directory))
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return list(yaml.safe_load_all(text))


def _in(path: Path) -> list[Manifest]:
    if path.name == "kustomization.yaml":
        return []
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """The name, the pod's spec and its only container, of each Deployment of ours."""
    for name, deployment in of_kind(manifests, "Deployment").items():
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        if name in OURS:
            yield name, spec, container


def settings_of(container: Manifest) -> Any:
    """What its server makes of the file and the variables that it is given."""
    command, *_ = container["args"]
    kind = getattr(importlib.import_module(COMMANDS[command].module), COMMANDS[command].settings)
    given = {one["name"]: one["value"] for one in container.get("env", [])}
    assert container["args"][1:] == ["--config", "/etc/wyoming-voice/voice.toml", *_FLAGS]
    flags = ["--config", str(KUBERNETES / "base" / "voice.toml"), *_FLAGS]
    return load(kind, flags, given)


def test_every_manifest_is_valid(manifests: list[Manifest]) -> None:
    assert {"Namespace", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"} <= {
        one["kind"] for one in manifests
    }
    for one in manifests:
        kubernetes_validate.validate(one, VERSION, strict=True)


def test_the_servers_understand_what_they_are_told(manifests: list[Manifest]) -> None:
    told = {name: settings_of(container) for name, _, container in pods(manifests)}
    assert set(told) == set(OURS)
    for settings, (_, _, container) in zip(told.values(), pods(manifests), strict=True):
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        door = settings.http if settings.section == "gateway" else settings.uri
        named = {"http" if settings.section == "gateway" else "wyoming": parse_uri(door).port}
        assert ports == {**named, "metrics": parse_uri(settings.metrics_uri).port}
        assert settings.section == container["args"][0] == container["name"]


def test_the_gateway_finds_the_servers(manifests: list[Manifest]) -> None:
    gateway = next(settings_of(one) for name, _, one in pods(manifests) if name == "gateway")
    services = of_kind(manifests, "Service")
    for uri in (*gateway.asr_uri, *gateway.handle_uri, *gateway.tts_uri):
        address = parse_uri(uri)
        assert [port["port"] for port in services[address.host]["spec"]["ports"]] == [address.port]


def test_a_pod_gets_as_long_as_its_requests_may_take(manifests: list[Manifest]) -> None:
    for _, spec, container in pods(manifests):
        before_s = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        needed_s = before_s + settings_of(container).drain_s + service._STOP_S
        assert spec["terminationGracePeriodSeconds"] > needed_s


def test_probes_tell_a_pod_that_loads_from_one_that_is_stuck(manifests: list[Manifest]) -> None:
    for _, _, container in pods(manifests):
        probes = {when: container[f"{when}Probe"] for when in ("startup", "readiness", "liveness")}
        asked = {when: tuple(probe["httpGet"].values()) for when, probe in probes.items()}
        ready = (READY, "metrics")
        assert asked == {"startup": ready, "readiness": ready, "liveness": (LIVE, "metrics")}
        assert probes["startup"]["periodSeconds"] * probes["startup"]["failureThreshold"] >= 120


async def test_what_probes_ask_for_is_there(tmp_path: Path) -> None:
    async with all_pages(tmp_path) as ports:
        for kind in OURS:
            loading = kind == "asr"  # nobody has loaded its model
            ready, _ = await MetricsClient(ports[kind]).get(READY)
            assert ready.split()[1] == ("503" if loading else "200")
            live, _ = await MetricsClient(ports[kind]).get(LIVE)
            assert live.split()[1] == "200"


def test_labels_and_selectors_are_the_same(manifests: list[Manifest]) -> None:
    deployments = of_kind(manifests, "Deployment")
    labels = {
        name: one["spec"]["template"]["metadata"]["labels"] for name, one in deployments.items()
    }
    for name, one in deployments.items():
        spread = one["spec"]["template"]["spec"].get("topologySpreadConstraints", [])
        selectors = [one["spec"]["selector"], *(limit["labelSelector"] for limit in spread)]
        assert all(_selects(each["matchLabels"], labels[name]) for each in selectors)
    for name, one in of_kind(manifests, "Service").items():
        owner = name.removesuffix("-home")
        chosen = [other for other in labels if _selects(one["spec"]["selector"], labels[other])]
        assert chosen == [owner]
        (container,) = deployments[owner]["spec"]["template"]["spec"]["containers"]
        ports = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in one["spec"]["ports"]} <= ports
    for name, one in of_kind(manifests, "PodDisruptionBudget").items():
        wanted = one["spec"]["selector"]["matchLabels"]
        assert [other for other in labels if _selects(wanted, labels[other])] == [name]


def _selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


@needs_kubectl
def test_whoever_needs_a_server_is_let_in() -> None:
    manifests = _rendered(KUBERNETES / "example")
    labels = {
        name: one["spec"]["template"]["metadata"]["labels"]
        for name, one in of_kind(manifests, "Deployment").items()
    }
    policies = [one["spec"] for one in of_kind(manifests, "NetworkPolicy").values()]
    asked = {("gateway", name) for name in ("asr", "tts", "handle")} | {("handle", "llama-swap")}
    for client, server in asked:
        of_server = [one for one in policies if _chosen(one["podSelector"], labels[server])]
        senders = [
            who for one in of_server for rule in one.get("ingress", ()) for who in rule["from"]
        ]
        assert any(
            "namespaceSelector" not in who and _chosen(who["podSelector"], labels[client])
            for who in senders
            if "podSelector" in who
        ), f"{client} to {server}"
    assert all(one["policyTypes"] == ["Ingress"] for one in policies)  # names are looked up freely


def _chosen(selector: Manifest, labels: dict[str, str]) -> bool:
    return "matchExpressions" not in selector and _selects(selector.get("matchLabels", {}), labels)


def test_no_pod_may_do_more_than_it_must(manifests: list[Manifest]) -> None:
    for _, spec, container in pods(manifests):
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001  # the Dockerfile's
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]


def test_what_is_mounted_is_there(manifests: list[Manifest]) -> None:
    claims = set(of_kind(manifests, "PersistentVolumeClaim"))
    for _, spec, container in pods(manifests):
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        for volume in volumes.values():
            assert volume.get("persistentVolumeClaim", {}).get("claimName", "weights") in claims


def test_the_images_are_those_of_the_compose_file(manifests: list[Manifest]) -> None:
    known = {one["image"] for one in SERVICES.values()}
    for one in of_kind(manifests, "Deployment").values():
        (container,) = one["spec"]["template"]["spec"]["containers"]
        name, _, tag = container["image"].rpartition("/")[2].partition(":")
        assert name in known
        assert tag in ("", __version__)


def test_the_language_models_are_those_of_the_compose_file() -> None:
    theirs = KUBERNETES.parent / "compose" / "llama-swap.yaml"
    ours = KUBERNETES / "llama-swap" / "llama-swap.yaml"
    assert ours.read_bytes() == theirs.read_bytes()


@needs_kubectl
async def test_pods_are_added_by_a_number_that_they_tell(tmp_path: Path) -> None:
    manifests = _rendered(KUBERNETES / "example")
    adapter = yaml.safe_load((KUBERNETES / "autoscaling" / "prometheus-adapter.yaml").read_text())
    (rule,) = adapter["rules"]["custom"]
    async with all_pages(tmp_path) as ports:
        told = {kind: await names_of(port) for kind, port in ports.items()}
    scalers, deployments = (
        of_kind(manifests, kind) for kind in ("HorizontalPodAutoscaler", "Deployment")
    )
    assert set(scalers) == set(OURS)
    for name, scaler in scalers.items():
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
        assert "replicas" not in deployments[name]["spec"]  # it would be fought over
        number, cpu = scaler["spec"]["metrics"]
        assert number["pods"]["metric"]["name"] in told[name]
        assert (
            number["pods"]["metric"]["name"].removeprefix("wyoming_voice_") in rule["seriesQuery"]
        )
        assert cpu["resource"]["name"] == "cpu"


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not on PATH (apt install prometheus)"
)
def test_prometheus_takes_the_job_for_the_cluster(tmp_path: Path) -> None:
    path = KUBERNETES / "autoscaling" / "prometheus-scrape.yaml"
    whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    (job,) = whole["scrape_configs"]
    (found,) = job.pop("kubernetes_sd_configs")  # Debian's Prometheus is built without
    assert found == {"role": "pod", "namespaces": {"names": ["wyoming-voice"]}}
    rest = tmp_path / "prometheus.yml"
    rest.write_text(yaml.safe_dump(whole))
    said = subprocess.run(("promtool", "check", "config", rest), capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
