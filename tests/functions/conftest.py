"""The handlers run where the flow tests' do: tables on moto, both vendors on loopback."""

from __future__ import annotations

from tests.flow.conftest import cloud, connected, story, vendors, when_connected

__all__ = ["cloud", "connected", "story", "vendors", "when_connected"]
