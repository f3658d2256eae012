"""Several hosts on one machine, made of Linux namespaces, and load that is spread over them."""
