// Init: jobs that set up what other jobs stand on, as ordered steps that may be repeated.
//
//     InitJob ──▶ entries: a step each, of each region ──▶ InitRun ──▶ StepRecord after StepRecord, InitResult
//                                                            │
//                       for each: inspect ─ done? ─▶ "already done"
//                                   └─ not yet ─▶ act ─▶ inspect again ─ done? ─▶ "done", verified
//                                                                └─ not ─▶ failed, and nothing after it is run
//
// A step (`StepWork`) is a look and an act. The look changes nothing: `sluice plan` is the looks alone, and what an act has
// brought about is believed when a second look sees it. What steps reach for (connections, secrets, seeds) they are handed
// as `InitSites`, so that nothing here knows of projects.
