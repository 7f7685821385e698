"""The web page, apart from Gradio: visitors, limits, HTML, and the timeline."""
