/** An application that Vite builds: it loads the package as any would, and leaves the edge where the test finds it. */

import { TwoPhase } from "@plinth/edge";

window.edge = await TwoPhase.load({ model: "/model/model.js", policy: "/policy.json", cloud: "/v1/models/digits:predict" });
document.documentElement.dataset.ready = "true";
