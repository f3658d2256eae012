"""Nothing is shared between the rooms of tests; this file marks where they begin."""
