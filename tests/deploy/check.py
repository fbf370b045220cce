#!/usr/bin/env python3
"""What deploy/ says against what the command knows.

check.py FYKE ROOT    one line per offence; exit 77 when there is no YAML reader
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    print("SKIPPED: no YAML reader (python3-yaml)")
    sys.exit(77)

FYKE, ROOT = os.path.realpath(sys.argv[1]), pathlib.Path(sys.argv[2])
DEPLOY = ROOT / "deploy"
problems = []


def say(where, what):
    problems.append(f"{where}: {what}")


def run(*words, env=None, cwd=None):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FYKE_")}
    return subprocess.run([FYKE, *words], env={**clean, **(env or {})}, cwd=cwd, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


def duration_s(text):
    units = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "": 1}
    number, unit = re.fullmatch(r"(\d+)([a-z]*)", text).groups()
    return int(number) * units[unit]


# ---- commands ------------------------------------------------------------------------------------

helps = {}


def check_command(where, words):
    """`words`: fyke VERB …; every flag is one that the verb's help names."""
    if os.path.basename(words[0]) != "fyke" or len(words) < 2:
        return say(where, f"not a command of fyke: {words}")
    verb = words[1]
    if verb not in helps:
        done = run(verb, "--help")
        helps[verb] = done.stdout if done.returncode == 0 else ""
    known = set(re.findall(r"(?<![\w-])(--?[a-zA-Z][a-z-]*)", helps[verb]))
    if not known:
        say(where, f"there is no verb {verb}")
    for word in words[2:]:
        if word.startswith("-") and word.split("=")[0] not in known:
            say(where, f"{verb} has no flag {word}")


def value_of(words, flag):
    return words[words.index(flag) + 1] if flag in words else None


def check_variable(where, name, kafka_names):
    if name.startswith("FYKE_KAFKA_"):
        key = name[len("FYKE_KAFKA_"):].lower().replace("_", ".")
        if key.removesuffix(".file") not in kafka_names:
            say(where, f"no property {key}")
    elif name.startswith("FYKE_") and name not in variables:
        say(where, f"no setting has the variable {name}")


variables = {json.loads(line)["environment"]
             for line in run("list", "props", "--format", "json").stdout.splitlines()}
variables.add("FYKE_CONFIG")
KAFKA_FROM_FILE = {"sasl.password", "sasl.username", "ssl.key.password", "ssl.key.pem"}


# ---- configuration and rules ---------------------------------------------------------------------

def settings_of(where, text, container=None):
    """The settings in force with this file, by name; nothing may be wrong with them. `container`: with its
    flags and variables, but for files that are not here."""
    flags = container["args"][3:] if container else []
    env = {v["name"]: v.get("value", "fyke-0") for v in container["env"]
           if not v["name"].endswith("_FILE")} if container else {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fyke.conf")
        pathlib.Path(path).write_text(text, encoding="utf-8")
        done = run("run", "-c", path, *flags, "--show-config", "--format", "json", env=env)
    if done.returncode != 0:
        say(where, done.stdout)
        return {}
    return {d["key"]: d["value"] for d in map(json.loads, done.stdout.splitlines())}


def check_rules(where, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            pathlib.Path(folder, name).write_text(text, encoding="utf-8")
        for verb in ("check", "test", "fmt"):
            words = [verb, "--check", folder] if verb == "fmt" else [verb, folder]
            done = run(*words)
            if done.returncode != 0:
                say(where, done.stdout)


# ---- systemd -------------------------------------------------------------------------------------

def check_systemd():
    unit_path = DEPLOY / "systemd/fyke.service"
    unit, where = unit_path.read_text(encoding="utf-8"), "systemd/fyke.service"
    fields = dict(re.findall(r"^(\w+)=(.*)$", unit, re.M))
    settings = settings_of("systemd/fyke.conf", (DEPLOY / "systemd/fyke.conf").read_text())
    start = fields["ExecStart"].split()
    check_command(where, start)
    if value_of(start, "-c") != "/etc/fyke/fyke.conf":
        say(where, "the configuration lies elsewhere than the README says")
    for name in re.findall(r"^Environment=(\w+)=", unit, re.M):
        check_variable(where, name, KAFKA_FROM_FILE)
    if settings.get("state") != "/var/lib/" + fields["StateDirectory"]:
        say(where, "the state lies outside of StateDirectory")
    if duration_s(fields["TimeoutStopSec"]) <= duration_s(settings.get("grace", "0s")):
        say(where, "TimeoutStopSec has to exceed grace")
    if "HUP" not in fields["ExecReload"] or fields["Type"] != "notify":
        say(where, "Type=notify and a reload by SIGHUP")
    analyze(unit, where)


def analyze(unit, where):
    tool = shutil.which("systemd-analyze")
    if not tool:
        print("SKIPPED: systemd-analyze")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fyke.service")
        pathlib.Path(path).write_text(unit.replace("/usr/bin/fyke", FYKE), encoding="utf-8")
        done = subprocess.run([tool, "verify", "--man=no", path], text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0 or "fyke.service" in done.stdout:
            say(where, "systemd-analyze verify: " + done.stdout)
        done = subprocess.run([tool, "security", "--offline=true", "--threshold=15", path],
                              text=True, timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        print(done.stdout.strip().splitlines()[-1])
        if done.returncode != 0:
            say(where, "systemd-analyze security: " + done.stdout)


# ---- container -----------------------------------------------------------------------------------

def check_container():
    text, where = (DEPLOY / "Containerfile").read_text(encoding="utf-8"), "Containerfile"
    joined = text.replace("\\\n", " ")
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", joined, re.M)[1])
    check_command(where, entry + json.loads(re.search(r"^CMD (.*)$", joined, re.M)[1]))
    check_command(where, json.loads(re.search(r"^HEALTHCHECK .*?CMD (.*)$", joined, re.M)[1]))
    for sources, _ in re.findall(r"^COPY (?!--from)(.*) (\S+)$", joined, re.M):
        for source in sources.split():
            if not (ROOT / source).exists():
                say(where, f"there is no {source}")
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    for preset in re.findall(r"--preset (\w+)", joined):
        if preset not in [p["name"] for p in presets["configurePresets"]]:
            say(where, f"there is no preset {preset}")
    if not re.search(r"^USER \d+:\d+$", text, re.M):
        say(where, "runs as root")
    ends = re.findall(r"^RUN (.*?)(?=^[A-Z]+ )", joined, re.M | re.S)
    for line in ends:
        if "apt-get install" in line and "rm -rf /var/lib/apt/lists" not in line:
            say(where, "leaves package lists in a layer")


# ---- Kubernetes ----------------------------------------------------------------------------------

def documents(folder):
    for path in sorted((DEPLOY / folder).glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def mounted(container, path):
    """The name of the volume that holds the path."""
    for mount in sorted(container["volumeMounts"], key=lambda m: -len(m["mountPath"])):
        if path == mount["mountPath"] or path.startswith(mount["mountPath"] + "/"):
            return mount["name"]
    return None


def check_instances(where, stateful, settings, container):
    """More than one pod only where they share, each under the name of its pod."""
    names = [v["valueFrom"]["fieldRef"]["fieldPath"] for v in container["env"]
             if v["name"] == "FYKE_INSTANCE_ID"]
    if settings.get("instances") == "group":
        if names != ["metadata.name"] or stateful["replicas"] < 2:
            say(where, "several instances need pods with names of their own")
        if settings.get("kafka.session.timeout.ms") is None or settings.get("standby") == "0":
            say(where, "takes the defaults for sessions and copies")
    elif stateful["replicas"] != 1 or names:
        say(where, "pods that do not share shut each other out")


def check_kubernetes(folder):
    """`folder`: with a StatefulSet; ConfigMaps are those of kubernetes/."""
    by_kind = {}
    for document in [*documents("kubernetes"), *documents(folder)]:
        by_kind.setdefault(document["kind"], {})[document["metadata"]["name"]] = document
    config = by_kind["ConfigMap"]["fyke-config"]["data"]["fyke.conf"]
    where = f"{folder}/statefulset.yaml"
    stateful = by_kind["StatefulSet"]["fyke"]["spec"]
    pod = stateful["template"]["spec"]
    container = pod["containers"][0]
    settings = settings_of(where, config, container)
    check_rules("kubernetes/config.yaml", by_kind["ConfigMap"]["fyke-rules"]["data"])
    check_instances(where, stateful, settings, container)
    commands = [["fyke", *container["args"]]]
    commands += [container[p]["exec"]["command"]
                 for p in ("startupProbe", "livenessProbe", "readinessProbe")]
    for words in commands:
        check_command(where, words)
        if mounted(container, value_of(words, "-c")) != "config":
            say(where, f"the configuration is not mounted: {words}")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        wait = value_of(container[probe]["exec"]["command"], "--wait") or "5s"
        if container[probe]["timeoutSeconds"] <= duration_s(wait):
            say(where, f"{probe} ends before the command does")
    for variable in container["env"]:
        check_variable(where, variable["name"], KAFKA_FROM_FILE)
        if variable["name"].endswith("_FILE") and mounted(container, variable["value"]) != "secrets":
            say(where, f"{variable['name']} names no mounted secret")
    for setting, volume in (("state", "state"), ("rules", "rules"),
                            ("kafka.ssl.ca.location", "secrets")):
        if mounted(container, settings.get(setting, "")) != volume:
            say(where, f"{setting} does not lie in the volume {volume}")
    if pod["terminationGracePeriodSeconds"] <= duration_s(settings.get("grace", "0s")):
        say(where, "terminationGracePeriodSeconds has to exceed grace")
    volumes = {v["name"]: v for v in pod["volumes"]}
    claims = by_kind["StatefulSet"]["fyke"]["spec"]["volumeClaimTemplates"]
    volumes.update({c["metadata"]["name"]: c for c in claims})
    for mount in container["volumeMounts"]:
        if mount["name"] not in volumes:
            say(where, f"there is no volume {mount['name']}")
    for volume in volumes.values():
        name = volume.get("configMap", {}).get("name", "fyke-config")
        if name not in by_kind["ConfigMap"]:
            say(where, f"there is no ConfigMap {name}")
    if not pod["securityContext"]["runAsNonRoot"]:
        say(where, "runs as root")


# ---- what is installed first ----------------------------------------------------------------------

def check_needs():
    """A set that a script asks for and lib.sh does not know would install nothing."""
    scripts = ROOT / "scripts"
    table = re.search(r"^needs\(\) \{\n  cat <<'END'\n(.*?)^END$",
                      (scripts / "lib.sh").read_text(encoding="utf-8"), re.M | re.S).group(1)
    rows = [line.split() for line in table.splitlines()]
    for script in sorted(p for p in scripts.iterdir() if p.is_file()):
        text = script.read_text(encoding="utf-8")
        for sets in re.findall(r"^[^#\n]*\binstall_missing((?: [a-z]+)+)", text, re.M):
            for name in set(sets.split()) - {row[0] for row in rows}:
                say(f"scripts/{script.name}", f"lib.sh has no set {name}")
    training = (scripts / "build-shipped").read_text(encoding="utf-8")
    shipped = {row[1] for row in rows if row[0] in ("build", "ship")}
    if re.search(r"^ *python3 ", training, re.M) and "cmd:python3" not in shipped:
        say("scripts/build-shipped", "python3 is in none of its sets")


# ---- README --------------------------------------------------------------------------------------

def check_readme():
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            for command in re.split(r"&&|--(?= fyke)|#", line):
                words = command.split()
                if words[:1] == ["fyke"] and len(words) > 1:
                    check_command("README.md", words)
            for path in re.findall(r"deploy/[\w./-]+", line):
                if not (ROOT / path).exists():
                    say("README.md", f"there is no {path}")


check_systemd()
check_container()
check_kubernetes("kubernetes")
check_kubernetes("kubernetes-group")
check_needs()
check_readme()
print("\n".join(problems) or "deploy/ and the command agree")
sys.exit(1 if problems else 0)
