// Map: SQL names for the tables of a Parquet lake.
//
//     LakeScan ──▶ LakeCatalogue ──▶ Naming ──▶ Dialect ──▶ [MapObject] ──┐
//     listing, footers               one name      SQL of each            ├──▶ MapPlan ──▶ script, or MapTarget
//                                    a table       object                 │    create, alter,  runs statements
//     LakeMemory or MapTarget ──▶ what there is, and who made it ─────────┘    drop, unchanged
//
// Everything up to the plan is values from values; reading the lake stands before it, and changing a database behind it.
// What is wrong with one table, or one file, is told and leaves the others as they are.
