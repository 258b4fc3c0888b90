import { core } from "ext:core/mod.js";
