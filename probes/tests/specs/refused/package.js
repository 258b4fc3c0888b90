import { defineCheck } from "tocsin";
import lodash from "lodash";
