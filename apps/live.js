// The live tab. From Gradio: element (this component), props.value (the session's name), and
// server.process.

watchCamera(element, (picture) => server.process([props.value, picture]));
