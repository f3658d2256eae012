"""The highest rate of arrivals at which a side keeps an objective, such as p99 within 200 ms."""
