DROP TABLE judgments;
