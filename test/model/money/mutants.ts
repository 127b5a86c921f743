/** The mutants that the money model must notice. */
import { moneyMutants } from '../../mutants/money.ts';
import { sendingMutants } from '../../mutants/sending.ts';

/** Tested by tests of the worker as well. */
const ofTheWorker = ['money.slow-peer-stops-all'];

export const moneyModelMutants = [...moneyMutants, ...sendingMutants.filter(({ id }) => ofTheWorker.includes(id))];
