"""The configuration a recorded home runs with: our endpoint, our prompts, nothing injected.

Everything that makes the client add prompt text of its own is switched off as far as it has a
switch; what has none is dealt with in `scrub.py`. `fixtures/README.md` lists both.
"""

import os
from pathlib import Path

PROVIDER = "stand_in"
MODEL = "stand-in-model"
BASE_INSTRUCTIONS = "Answer briefly. This text belongs to the rollout fixtures."
COMPACT_PROMPT = "Sum up the work so far in one sentence."

# Features that add tools, prompts, background requests or files to a home.
_FEATURES_OFF = (
    "apps",
    "browser_use",
    "code_mode_host",
    "computer_use",
    "enable_request_compression",
    "goals",
    "guardian_approval",
    "hooks",
    "image_generation",
    "memories",
    "plugins",
    "recommended_plugins",
    "shell_snapshot",
    "skill_search",
    "sleep_tool",
    "tool_suggest",
    "unified_exec",
    "view_image",
)


def config_text(base_url: str, features: tuple[str, ...] = ()) -> str:
    """Return the content of `config.toml` for a home that talks to `base_url`."""
    switches = [f"{name} = false" for name in _FEATURES_OFF] + [f"{name} = true" for name in features]
    feature_lines = "\n".join(switches)
    return f"""\
model = "{MODEL}"
model_provider = "{PROVIDER}"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
suppress_unstable_features_warning = true
include_permissions_instructions = false
include_apps_instructions = false
include_collaboration_mode_instructions = false
project_doc_max_bytes = 0
web_search = "disabled"
compact_prompt = "{COMPACT_PROMPT}"
model_reasoning_summary = "auto"
model_context_window = 200000

[model_providers.{PROVIDER}]
name = "Stand-in"
base_url = "{base_url}"
wire_api = "responses"
requires_openai_auth = false
request_max_retries = 0
stream_max_retries = 0

[agents]
enabled = false

[analytics]
enabled = false

[feedback]
enabled = false

[history]
persistence = "none"

[otel]
exporter = "none"
log_user_prompt = false

[skills]
include_instructions = false

[skills.bundled]
enabled = false

[features]
{feature_lines}
"""


def write_config(home: Path, base_url: str, features: tuple[str, ...] = ()) -> None:
    """Write `config.toml` into `home`, replacing an older one."""
    (home / "config.toml").write_text(config_text(base_url, features), encoding="utf-8")


def environment(home: Path) -> dict[str, str]:
    """Return the whole environment of the client: nothing of the caller's leaks in but PATH."""
    return {
        "CODEX_HOME": str(home),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "SHELL": "/bin/sh",
        "TZ": "UTC",
        "NO_PROXY": "127.0.0.1",
    }
