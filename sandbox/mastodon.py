"""The sandbox's Mastodon: mastodon_mock, whose folder of media goes when the server stops.

The library's own stays in the system's folder for temporary files, one for each server.
"""

from tempfile import TemporaryDirectory

from mastodon_mock.testing import MockServer


class LoopbackMastodon(MockServer):
    """A Mastodon at `base_url` between `start` and `stop`, or in a `with` block."""

    _media: TemporaryDirectory[str] | None = None

    def start(self) -> MockServer:
        """Serve; a no-op if it does already."""
        if self._media is None:
            self._media = TemporaryDirectory(prefix="mastodon_media_")
            self.config.media_storage_path = self._media.name
        return super().start()

    def stop(self) -> None:
        """Stop, and remove what it stored."""
        super().stop()
        if self._media:
            self._media.cleanup()
            self._media = None
