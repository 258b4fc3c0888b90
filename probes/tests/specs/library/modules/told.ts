// Runs a table of cases and writes a line for each: what came of it, or what was thrown. The expectation beside the
// script has the lines.
export async function told(cases: Record<string, () => unknown>): Promise<void> {
  for (const [name, act] of Object.entries(cases)) {
    try {
      const value = await act();
      console.log(`${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
    } catch (error: any) {
      console.log(`${name}: ${error.name}: ${error.message}`);
    }
  }
}
