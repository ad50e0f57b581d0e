-- Imports that are being taken in. The hours whose calls one of them touched, which its marks tell, are not looked at
-- for billing until it is whole: half of a call's events make another record than all of them.
CREATE TABLE billing_holds (
    journal text COLLATE "C" PRIMARY KEY
);
