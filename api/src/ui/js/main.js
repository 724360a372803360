// What scripts add to the pages; each part looks for what it can work on.
import { startTimes } from "./time.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startSearch } from "./search.js";
import { startSlider } from "./slider.js";
import { startWays } from "./way.js";

startTimes();
startKeys();
startSearch();
startSlider();
startWays();
startLive();
