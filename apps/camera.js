// A camera of the browser's. The newest picture is sent when the previous one is answered, so that
// what is shown is never older than one round trip.
// From Gradio: props.value (the session's name).

const LONG_SIDE = 640;
const QUALITY = 0.8;
const PAUSE = 1000; // milliseconds until the next try, if the server does not answer
const WHY = {
  NotAllowedError: "allow it beside the page's address, and try again",
  NotFoundError: "there is none; plug one in",
  NotReadableError: "another program uses it; end that one",
};

// Watch the camera in an element that has a button, a view with a picture and a hint, and a panel.
// ask(picture): promises what the server makes of it. seen(answer), stopped(): tell what happens.
function watchCamera(root, ask, { seen = () => {}, stopped = () => {} } = {}) {
  const [button, view, picture, hint, says, pace] = [
    ...["button.camera", ".view", ".view img", ".hint", ".says", ".pace"],
  ].map((name) => root.querySelector(name));
  const video = document.createElement("video");
  const canvas = document.createElement("canvas");
  video.muted = video.playsInline = true;
  let stream = null;

  button.onclick = () => (stream ? stop("") : start());
  button.disabled = false;
  document.addEventListener("camera", (event) => {
    if (stream && event.detail !== root) stop(""); // one at a time
  });

  async function start() {
    if (!navigator.mediaDevices) {
      return stop("Browsers show a camera only to pages of this machine (127.0.0.1) or by https.");
    }
    button.disabled = true;
    document.dispatchEvent(new CustomEvent("camera", { detail: root }));
    try {
      const wanted = { width: { ideal: LONG_SIDE }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
      video.srcObject = stream;
      await video.play();
      while (!props.value) await rest(100); // it comes a moment after the page
    } catch (error) {
      return stop(`The camera cannot be used: ${WHY[error.name] || error.message || error.name}.`);
    } finally {
      button.disabled = false;
    }
    button.textContent = "Stop the camera";
    say("One moment…");
    stream.getVideoTracks()[0].onended = () => stop("The camera was unplugged.");
    watch(stream);
  }

  function stop(reason) {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    view.hidden = true;
    picture.removeAttribute("src");
    button.textContent = "Start the camera";
    say(reason);
    stopped();
  }

  function say(words) {
    says.textContent = words;
    pace.textContent = "";
  }

  async function watch(mine) {
    const trips = [];
    let before = {};
    while (stream === mine && root.isConnected) {
      await nextPicture();
      const sent = performance.now();
      try {
        const answer = await ask(newest());
        if (stream !== mine) return;
        if (answer.error) return stop(answer.error);
        trips.push([performance.now(), performance.now() - sent]);
        while (trips[0][0] < performance.now() - 2000) trips.shift();
        picture.src = answer.picture;
        hint.hidden = !answer.hint;
        if (answer.hint !== before.hint) hint.textContent = answer.hint; // screen readers say every change
        if (answer.panel !== before.panel) says.innerHTML = answer.panel;
        before = answer;
        pace.textContent = speed(trips);
        view.hidden = false;
        seen(answer);
      } catch {
        if (stream !== mine) return;
        view.hidden = true; // an old picture must not pass for live
        before = {};
        say("The server does not answer; trying again.");
        await rest(PAUSE);
      }
    }
    if (stream === mine) stop("");
  }

  function nextPicture() {
    return new Promise((done) =>
      video.requestVideoFrameCallback ? video.requestVideoFrameCallback(done) : requestAnimationFrame(done)
    );
  }

  function newest() {
    const scale = Math.min(1, LONG_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", QUALITY);
  }

  return { start, running: () => Boolean(stream) };
}

function rest(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

function speed(trips) {
  const mean = trips.reduce((sum, [, trip]) => sum + trip, 0) / trips.length;
  const span = (trips[trips.length - 1][0] - trips[0][0]) / 1000;
  const rate = span ? (trips.length - 1) / span : 0;
  return `${rate.toFixed(0)} pictures a second, each ${mean.toFixed(0)} ms old.`;
}
