"""What the page needs that is not Gradio: visitors, limits, HTML, the timeline."""
