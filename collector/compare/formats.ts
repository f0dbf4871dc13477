// Every format of reports: a new one is a file in formats/ and a line here, and ./contract.test.ts covers it. Pure.
import type { ScannerFormat } from './format.ts';
import { GRYPE } from './formats/grype.ts';
import { NESSUS } from './formats/nessus.ts';
import { NESSUS_CSV } from './formats/nessus-csv.ts';
import { OPENVAS } from './formats/openvas.ts';
import { QUALYS_CSV } from './formats/qualys-csv.ts';
import { SARIF } from './formats/sarif.ts';
import { TRIVY } from './formats/trivy.ts';

export const FORMATS: readonly ScannerFormat[] = [NESSUS, NESSUS_CSV, QUALYS_CSV, OPENVAS, TRIVY, GRYPE, SARIF];
