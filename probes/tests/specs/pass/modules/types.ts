export interface Unused {
  a: string;
}
