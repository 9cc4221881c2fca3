// Room opened.
