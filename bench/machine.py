"""What a table of speeds was measured on: one line for its head."""

import os
import platform
from pathlib import Path

FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_bf16", "amx_int8")
LIMITS = ("ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "ATEN_CPU_CAPABILITY")


def machine() -> str:
    """The processor's name, cores and features, what limits them, and how busy it is."""
    info = _cpuinfo()
    name = info.get("model name") or platform.processor() or platform.machine()
    has = set(info.get("flags", "").split())
    features = " ".join(f for f in FEATURES if f in has) or "no known features"
    limits = "".join(f", {name}={os.environ[name]}" for name in LIMITS if name in os.environ)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{name}, {os.cpu_count()} cores, {features}{limits}{load}"


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; nothing on other systems."""
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return {}
    first = file.read_text("utf-8").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
