import { defineCheck } from "tocsin";
import x from "https://esm.sh/x";

x();
