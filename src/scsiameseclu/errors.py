"""The one class of error that a user can mend."""


class UserError(Exception):
    """Something in the user's hands is wrong.

    The message is one sentence that says what is wrong, where (sample, file, key), and what to do
    about it. Programs print it without a traceback.
    """
