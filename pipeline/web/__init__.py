"""The web page behind its components: visitors and quotas, the guard before it, HTML, timeline."""
