from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.flow.clock import NOON, FlowClock
from tests.flow.cloud import MOTO, Cloud
from tests.flow.story import Saved, Story
from tests.flow.worlds import Vendors


@pytest.fixture(scope="session")
def vendors() -> Iterator[Vendors]:
    made = Vendors(FlowClock())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def cloud(vendors: Vendors) -> Iterator[Cloud]:
    with mock_aws(config=MOTO), Cloud(vendors.clock, vendors.urls) as made:
        yield made


@pytest.fixture(scope="module")
def when_connected(vendors: Vendors, cloud: Cloud) -> Saved:
    """Connecting takes a third of a second, which every test would pay."""
    story = Story(vendors, cloud)
    story.restore(Saved(NOON, vendors.founded))
    return story.connect().save()


@pytest.fixture
def story(vendors: Vendors, cloud: Cloud) -> Story:
    """Nobody has signed in yet."""
    told = Story(vendors, cloud)
    told.restore(Saved(NOON, vendors.founded))
    return told


@pytest.fixture
def connected(story: Story, when_connected: Saved) -> Iterator[Story]:
    """Business and company are connected; at the end the books of both vendors must agree."""
    story.restore(when_connected)
    yield story
    story.check_books()
