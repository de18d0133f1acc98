/** What is said before VR is entered; everything else of VR has its words in its own chunk. */
export const words = {
  enter: 'Enter VR',
  why: 'Why not VR',
  close: 'Close',
  insecure:
    'VR needs https: start ImmichVR with --tls, or open it through a proxy that speaks TLS.',
  noXr: 'This browser has no WebXR: open this page in a headset’s browser, or in Chrome or Edge with a headset connected.',
  noWebGl: 'This browser draws no WebGL 2, which VR needs.',
  noHeadset: 'No headset is there: connect one, or open this page in the headset’s own browser.',
  forbidden: 'The page that shows this one does not allow VR: open it by its own address.',
  refused: 'The headset did not let VR begin: put it on, allow it there, and try again.',
  lost: 'The graphics device was lost, and VR with it: enter it again.',
};
