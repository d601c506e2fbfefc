"""The exception for errors that a user can fix."""


class UserError(Exception):
    """An error that the user can fix.

    The message is one sentence that says what is wrong, where (sample, file, key), and how to fix
    it. Programs print it without a traceback.
    """
