"""The harness: designed A/B load tests of two servers, from plan to report."""
