"""``bench check``: which routes of an app should change, what each change would bring, and where the line to touch is.

Built on a server started as any side is: its routes are listed, asked lightly, and timed from inside the app's process.
"""
