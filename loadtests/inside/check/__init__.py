"""What ``bench check`` sees from inside an app's process: its routes, and where each request spends its time.

Everything here is switched on by a folder to write into, and measures only requests that carry a header. An app answers
as it does without; what can't be observed is told as a note.
"""
