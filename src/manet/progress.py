"""How long work tells its caller what it is doing."""

import logging

logger = logging.getLogger("manet")


class Progress:
    """Takes what long work has to say. This one logs lines and shows no counts; a subclass may show more.

    Functions of the library take one as `progress`. The logger's name is "manet": warnings appear on standard error,
    notes only where logging is set up to show level INFO.
    """

    def note(self, line: str) -> None:
        """Something that a user should know."""
        logger.info(line)

    def warn(self, line: str) -> None:
        """Something that a user should look at: the result may not be what was meant."""
        logger.warning(line)

    def count(self, what: str, done: int, total: int, megapixels: float | None = None) -> None:
        """So many of `total` steps are done, counted from the beginning of the work and not of this process.

        Args:
            what: The work, in words: "predicting".
            done: Steps that are done, 0 to `total`.
            total: All steps of this work.
            megapixels: Size of the imagery that all steps together go through, where that says how fast they are.
        """


QUIET = Progress()
"""What functions take if they are given nothing."""
