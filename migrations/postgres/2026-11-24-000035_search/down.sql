DROP TABLE search_documents;
DELETE FROM installation WHERE name = 'search words';
