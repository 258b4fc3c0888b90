import { thing } from "tocsin/ftp";

export default thing;
