"""What puts load on a server and hands back samples: closed and open loops, over httpx's interface or by Locust.

No statistics are computed here. What comes in sends requests, or decides when one is sent.
"""
